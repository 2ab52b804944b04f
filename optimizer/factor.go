package optimizer

import "math"

// refactor computes the inverse from scratch; if that fails it starts over.
func (b *basis) refactor() {
	b.sumRest()
	if !b.invert() {
		b.crash()
		return
	}
	for i := range b.pool.rows {
		sum := 0.0
		for r, f := range b.inverse[i*b.pool.rows : (i+1)*b.pool.rows] {
			sum += f * b.rest[r]
		}
		if sum < -1e-7 {
			b.crash()
			return
		}
		b.x[i] = max(0, sum)
	}
	for _, variable := range b.working {
		if variable >= 0 && b.keyShare(b.pool.owner[variable]) < -1e-7 {
			b.crash()
			return
		}
	}
}

// invert computes the inverse of the working basis by Gauss-Jordan
// elimination with row exchanges.
func (b *basis) invert() bool {
	r := b.pool.rows
	matrix := make([]float64, r*2*r)
	for i, variable := range b.working {
		for row, v := range b.vector(variable) {
			matrix[row*2*r+i] = v
		}
		matrix[i*2*r+r+i] = 1
	}
	line := func(i int) []float64 { return matrix[i*2*r : (i+1)*2*r] }
	for col := range r {
		at := col
		for i := col; i < r; i++ {
			if math.Abs(line(i)[col]) > math.Abs(line(at)[col]) {
				at = i
			}
		}
		if math.Abs(line(at)[col]) < 1e-11 {
			return false
		}
		for i := range line(col) {
			line(col)[i], line(at)[i] = line(at)[i], line(col)[i]
		}
		f := 1 / line(col)[col]
		for i := range line(col) {
			line(col)[i] *= f
		}
		for i := range r {
			if g := line(i)[col]; i != col && g != 0 {
				subtract(line(i), line(col), g)
			}
		}
	}
	for i := range r {
		copy(b.inverse[i*r:(i+1)*r], line(i)[r:])
	}
	return true
}
