package calibration

import "github.com/variant-exporter/variant-exporter/optimizer/latency"

// The coefficients, in the order of columns.
const (
	alpha = iota
	beta
	gamma
)

// coefficients are alpha, beta and gamma, or what they are multiplied with.
type coefficients [3]float64

func (a coefficients) dot(b coefficients) float64 {
	return a[alpha]*b[alpha] + a[beta]*b[beta] + a[gamma]*b[gamma]
}

func (a coefficients) profile(maxBatch, maxQueue int) latency.Profile {
	return latency.Profile{Alpha: a[alpha], Beta: a[beta], Gamma: a[gamma], MaxBatch: maxBatch, MaxQueue: maxQueue}
}

// kind is what a row was seen of.
type kind int

const (
	kindITL kind = iota
	kindTTFT
	kinds
)

// equation is one: columns times coefficients is the latency seen.
type equation struct {
	columns     coefficients
	seen        float64 // seconds
	kind        kind
	observation int // that it is of
	concurrency float64
}

// rows are the equations of an observation.
func (o *Observation) rows(i int) []equation {
	var rows []equation
	if o.ITL > 0 {
		rows = append(rows, equation{itlColumns(o.Concurrency, o.Lengths), o.ITL, kindITL, i, o.Concurrency})
	}
	if o.TTFT > 0 {
		rows = append(rows, equation{ttftColumns(o.Concurrency, o.Lengths), o.TTFT, kindTTFT, i, o.Concurrency})
	}
	return rows
}

// iterationColumns are those of T(n).
func iterationColumns(n float64, l latency.Lengths) coefficients {
	return coefficients{1, n * (l.Input + l.Output) / (l.Output + 1), n * (l.Input + l.Output/2)}
}

// itlColumns are those of decode(n).
func itlColumns(n float64, l latency.Lengths) coefficients {
	x := iterationColumns(n, l)
	x[beta]++
	x[gamma] += l.Input + l.Output/2
	return x
}

// ttftColumns are those of prefill(n) + decode(n).
func ttftColumns(n float64, l latency.Lengths) coefficients {
	x := itlColumns(n, l)
	if l.Input == 0 {
		return x
	}
	for j, v := range iterationColumns(n, l) {
		x[j] += v
	}
	x[beta] += l.Input
	x[gamma] += l.Input
	return x
}
