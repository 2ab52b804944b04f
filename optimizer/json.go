package optimizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
)

// ParseProblem reads a problem from JSON, strictly: unknown fields, fields and
// keys that stand twice, numbers that are negative or out of range, and text
// after the object are refused. A mistake in a field is a *FieldError.
//
// The fields min, current, start_cost, min_replicas and priority may be left
// out and are then 0; max left out or null is no limit; the lists and maps may
// be left out and are then empty.
func ParseProblem(data []byte) (Problem, error) {
	d := decoder{json.NewDecoder(bytes.NewReader(data))}
	d.UseNumber()
	var p Problem
	err := d.object("", fields{
		"budgets": func(path string) error {
			return d.list(path, func(path string) error { return d.budget(path, &p) })
		},
		"models": func(path string) error {
			return d.list(path, func(path string) error { return d.model(path, &p) })
		},
	})
	if err != nil {
		return Problem{}, fmt.Errorf("read problem: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Problem{}, errors.New("read problem: text after the object")
	}
	if err := p.validate(); err != nil {
		return Problem{}, fmt.Errorf("check problem: %w", err)
	}
	return p, nil
}

// decoder reads JSON token by token and knows the path to each value.
type decoder struct{ *json.Decoder }

// fields says how to read each field of an object.
type fields map[string]func(path string) error

// object reads an object that has no other fields than those given.
func (d decoder) object(path string, known fields) error {
	return d.entries(path, func(path, name string) error {
		read, ok := known[name]
		if !ok {
			return &FieldError{path, "unknown field"}
		}
		return read(path)
	})
}

// entries reads an object and calls read before each of its values.
func (d decoder) entries(path string, read func(path, name string) error) error {
	if err := d.delimiter(path, '{', "an object"); err != nil {
		return err
	}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.next(path)
		if err != nil {
			return err
		}
		name := fmt.Sprint(token)
		under := name
		if path != "" {
			under = path + "." + name
		}
		if seen[name] {
			return &FieldError{under, "stands twice"}
		}
		seen[name] = true
		if err := read(under, name); err != nil {
			return err
		}
	}
	_, err := d.next(path)
	return err
}

// list reads an array and calls read before each of its elements.
func (d decoder) list(path string, read func(path string) error) error {
	if err := d.delimiter(path, '[', "a list"); err != nil {
		return err
	}
	for i := 0; d.More(); i++ {
		if err := read(path + "[" + strconv.Itoa(i) + "]"); err != nil {
			return err
		}
	}
	_, err := d.next(path)
	return err
}

// next returns the next token.
func (d decoder) next(path string) (json.Token, error) {
	token, err := d.Token()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && path != "" {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return token, err
}

// delimiter reads an opening bracket.
func (d decoder) delimiter(path string, want json.Delim, what string) error {
	token, err := d.next(path)
	if err != nil {
		return err
	}
	if token != want {
		return &FieldError{path, "must be " + what}
	}
	return nil
}

// text reads a string into to.
func (d decoder) text(to *string) func(string) error {
	return func(path string) error {
		token, err := d.next(path)
		if err != nil {
			return err
		}
		s, ok := token.(string)
		if !ok {
			return &FieldError{path, "must be a string"}
		}
		*to = s
		return nil
	}
}

// number reads a finite number into to.
func (d decoder) number(to *float64) func(string) error {
	return func(path string) error {
		token, err := d.next(path)
		if err != nil {
			return err
		}
		n, ok := token.(json.Number)
		if !ok {
			return &FieldError{path, "must be a number"}
		}
		x, err := n.Float64()
		if err != nil || math.IsInf(x, 0) {
			return &FieldError{path, "is out of range"}
		}
		*to = x
		return nil
	}
}

// whole reads a whole number into to.
func (d decoder) whole(to *int) func(string) error {
	return func(path string) error {
		var x float64
		if err := d.number(&x)(path); err != nil {
			return err
		}
		if x != math.Trunc(x) || math.Abs(x) > math.MaxInt32 {
			return &FieldError{path, fmt.Sprintf("%g is not a whole number within %d", x, math.MaxInt32)}
		}
		*to = int(x)
		return nil
	}
}

// limit reads a whole number or null into to.
func (d decoder) limit(to **int) func(string) error {
	return func(path string) error {
		var n int
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if string(raw) == "null" {
			return nil
		}
		inner := decoder{json.NewDecoder(bytes.NewReader(raw))}
		inner.UseNumber()
		if err := inner.whole(&n)(path); err != nil {
			return err
		}
		*to = &n
		return nil
	}
}

// numbers reads an object of numbers into to.
func (d decoder) numbers(to *map[string]float64) func(string) error {
	return func(path string) error {
		values := map[string]float64{}
		*to = values
		return d.entries(path, func(path, name string) error {
			var x float64
			err := d.number(&x)(path)
			values[name] = x
			return err
		})
	}
}

// budget reads a budget and appends it to the problem.
func (d decoder) budget(path string, p *Problem) error {
	var b Budget
	err := d.object(path, fields{"name": d.text(&b.Name), "limit": d.number(&b.Limit)})
	p.Budgets = append(p.Budgets, b)
	return err
}

// model reads a model and appends it to the problem.
func (d decoder) model(path string, p *Problem) error {
	var m Model
	err := d.object(path, fields{
		"name": d.text(&m.Name), "priority": d.whole(&m.Priority),
		"min_replicas": d.whole(&m.MinReplicas), "demand": d.numbers(&m.Demand),
		"variants": func(path string) error {
			return d.list(path, func(path string) error { return d.variant(path, &m) })
		},
	})
	p.Models = append(p.Models, m)
	return err
}

// variant reads a variant and appends it to the model.
func (d decoder) variant(path string, m *Model) error {
	var v Variant
	err := d.object(path, fields{
		"name": d.text(&v.Name), "cost": d.number(&v.Cost), "start_cost": d.number(&v.StartCost),
		"min": d.whole(&v.Min), "max": d.limit(&v.Max), "current": d.whole(&v.Current),
		"capacity": d.numbers(&v.Capacity), "uses": d.numbers(&v.Uses),
	})
	m.Variants = append(m.Variants, v)
	return err
}
