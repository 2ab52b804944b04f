package svg

import "math"

// Frame is the area between the axes of a diagram. Both axes begin at zero.
type Frame struct {
	Left, Top, Right, Bottom float64
	EndX, EndY               float64    // the values at the right and the upper edge, above zero
	Grid                     Attributes // of the lines at ticks
}

// X returns where a value is on the x axis.
func (f Frame) X(v float64) float64 { return f.Left + (f.Right-f.Left)*v/f.EndX }

// Y returns where a value is on the y axis. Values outside the frame are at its edge.
func (f Frame) Y(v float64) float64 { return f.Bottom - (f.Bottom-f.Top)*min(max(v/f.EndY, 0), 1) }

// Tick is a labelled value of an axis.
type Tick struct {
	Value float64
	Text  string
}

// Distances of labels from their axes, in the units of the drawing.
const (
	belowAxis  = 16
	besideAxis = 6
	halfLetter = 4
)

// Axes draws grid lines and labels for the ticks of both axes.
func (d *Drawing) Axes(f Frame, x, y []Tick) {
	for _, t := range x {
		at := f.X(t.Value)
		d.Put(`<line x1="%v" y1="%v" x2="%v" y2="%v" %v/>`, at, f.Top, at, f.Bottom, f.Grid)
		d.Text(at, f.Bottom+belowAxis, `text-anchor="middle"`, t.Text)
	}
	for _, t := range y {
		at := f.Y(t.Value)
		d.Put(`<line x1="%v" y1="%v" x2="%v" y2="%v" %v/>`, f.Left, at, f.Right, at, f.Grid)
		d.Text(f.Left-besideAxis, at+halfLetter, `text-anchor="end"`, t.Text)
	}
}

// Step returns the smallest of the numbers 1, 2 and 5 times a power of ten that divides an axis up to end, above zero, into at most so
// many parts.
func Step(end float64, most int) float64 {
	step := math.Pow(10, math.Floor(math.Log10(end/float64(most))))
	for _, multiple := range []float64{1, 2, 5} {
		if end/(step*multiple) <= float64(most) {
			return step * multiple
		}
	}
	return 10 * step
}

// Ticks returns the multiples of a step from zero to end, labelled.
func Ticks(end, step float64, label func(float64) string) []Tick {
	var all []Tick
	for i := 0; float64(i)*step <= end*(1+1e-9); i++ {
		v := float64(i) * step
		all = append(all, Tick{v, label(v)})
	}
	return all
}
