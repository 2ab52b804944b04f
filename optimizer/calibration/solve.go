package calibration

import "math"

// ridge is added to the diagonal of normal equations whose columns are scaled
// to length one, so that they have a solution also if columns coincide. It
// changes nothing that double precision would show otherwise.
const ridge = 1e-12

// normalEquations are the normal equations of a least squares problem.
type normalEquations struct {
	gram  [3]coefficients
	right coefficients
}

func (e *normalEquations) add(x coefficients, y, weight float64) {
	for j := range x {
		for k := range x {
			e.gram[j][k] += weight * x[j] * x[k]
		}
		e.right[j] += weight * x[j] * y
	}
}

// scaled divides each column by its length.
func (e *normalEquations) scaled() (s normalEquations, length coefficients) {
	for j := range length {
		length[j] = max(math.Sqrt(e.gram[j][j]), math.SmallestNonzeroFloat64)
	}
	for j := range length {
		for k := range length {
			s.gram[j][k] = e.gram[j][k] / length[j] / length[k]
		}
		s.right[j] = e.right[j] / length[j]
	}
	return s, length
}

// solve returns the least squares coefficients of a model, none negative if
// bounded. There are so few that all combinations of those at zero are tried:
// the best that is not negative is the optimum, as the problem is convex.
func (e *normalEquations) solve(model columns, bounded bool) coefficients {
	s, length := e.scaled()
	var best coefficients
	bestGain := math.Inf(-1)
	for set := 1; set < 8; set++ {
		var part columns
		inside := true
		for j := range part {
			part[j] = set>>j&1 == 1
			inside = inside && (model[j] || !part[j]) && (bounded || part[j] == model[j])
		}
		if !inside {
			continue
		}
		theta, ok := s.eliminate(part)
		if gain := s.right.dot(theta); ok && gain > bestGain && (!bounded || min(theta[0], theta[1], theta[2]) >= 0) {
			best, bestGain = theta, gain
		}
	}
	for j := range best {
		best[j] /= length[j]
	}
	return best
}

// eliminate solves the scaled equations of some columns, by Cholesky's
// decomposition. It fails if a column is zero.
func (e *normalEquations) eliminate(part columns) (theta coefficients, ok bool) {
	var factor [3]coefficients
	for j := range part {
		if !part[j] {
			factor[j][j] = 1
			continue
		}
		for k := range j + 1 {
			if !part[k] {
				continue
			}
			sum := e.gram[j][k]
			for m := range k {
				sum -= factor[j][m] * factor[k][m]
			}
			if k < j {
				factor[j][k] = sum / factor[k][k]
				continue
			}
			if e.gram[j][j] == 0 {
				return coefficients{}, false
			}
			factor[j][j] = math.Sqrt(max(sum, 0) + ridge)
		}
	}
	for j := range part {
		if part[j] {
			theta[j] = (e.right[j] - factor[j].dot(theta)) / factor[j][j]
		}
	}
	for j := len(theta) - 1; j >= 0; j-- {
		sum := theta[j]
		for k := j + 1; k < len(theta); k++ {
			sum -= factor[k][j] * theta[k]
		}
		theta[j] = sum / factor[j][j]
	}
	return theta, true
}

// condition is the condition number of the columns of a model, scaled to
// length one: 1 if they are orthogonal, and the more the nearer one is to a
// sum of others, up to 1e7.
func (e *normalEquations) condition(model columns) float64 {
	s, _ := e.scaled()
	for j := range model {
		for k := range model {
			if !model[j] || !model[k] {
				s.gram[j][k] = 0
			}
		}
		if !model[j] {
			s.gram[j][j] = 1 // lies between the others' eigenvalues
		}
	}
	least, most := eigenvalues(s.gram)
	return math.Sqrt(most / max(least, 1e-14*most))
}

// eigenvalues returns the smallest and the largest eigenvalue of a symmetric
// matrix, by Jacobi's rotations.
func eigenvalues(a [3]coefficients) (least, most float64) {
	for range 20 {
		for p := range 2 {
			for q := p + 1; q < 3; q++ {
				rotate(&a, p, q)
			}
		}
	}
	return min(a[0][0], a[1][1], a[2][2]), max(a[0][0], a[1][1], a[2][2])
}

// rotate brings a[p][q] to zero.
func rotate(a *[3]coefficients, p, q int) {
	if a[p][q] == 0 {
		return
	}
	sin, cos := math.Sincos(math.Atan2(2*a[p][q], a[q][q]-a[p][p]) / 2)
	for k := range a {
		a[k][p], a[k][q] = cos*a[k][p]-sin*a[k][q], sin*a[k][p]+cos*a[k][q]
	}
	for k := range a {
		a[p][k], a[q][k] = cos*a[p][k]-sin*a[q][k], sin*a[p][k]+cos*a[q][k]
	}
}
