package strictjson

import (
	"encoding/json"
	"fmt"
	"math"
)

// Text returns a reader of a string.
func (d Decoder) Text(to *string) Read {
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

// Number returns a reader of a finite number.
func (d Decoder) Number(to *float64) Read { return d.numberOr(to, nil, "a number") }

// NumberOr returns a reader of a finite number, or of an object.
func (d Decoder) NumberOr(to *float64, fields Fields) Read {
	return d.numberOr(to, fields, "a number or an object")
}

func (d Decoder) numberOr(to *float64, fields Fields, want string) Read {
	return func(path string) error {
		token, err := d.next(path)
		if err != nil {
			return err
		}
		if fields != nil && token == json.Delim('{') {
			return d.rest(path, fields.read)
		}
		n, ok := token.(json.Number)
		if !ok {
			return &FieldError{path, "must be " + want}
		}
		x, err := n.Float64()
		if err != nil || math.IsInf(x, 0) {
			return &FieldError{path, "is out of range"}
		}
		*to = x
		return nil
	}
}

// Whole returns a reader of a whole number.
func (d Decoder) Whole(to *int) Read {
	return func(path string) error {
		var x float64
		if err := d.Number(&x)(path); err != nil {
			return err
		}
		if x != math.Trunc(x) || math.Abs(x) > math.MaxInt32 {
			return &FieldError{path, fmt.Sprintf("%g is not a whole number up to %d", x, math.MaxInt32)}
		}
		*to = int(x)
		return nil
	}
}

// WholeOrNull returns a reader of a whole number; null leaves nil.
func (d Decoder) WholeOrNull(to **int) Read {
	return func(path string) error {
		var n int
		var raw json.RawMessage
		if err := d.json.Decode(&raw); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if string(raw) == "null" {
			return nil
		}
		if err := newDecoder(raw).Whole(&n)(path); err != nil {
			return err
		}
		*to = &n
		return nil
	}
}

// Numbers returns a reader of an object of numbers.
func (d Decoder) Numbers(to *map[string]float64) Read {
	return func(path string) error {
		values := map[string]float64{}
		*to = values
		return d.entries(path, func(path, name string) error {
			var x float64
			err := d.Number(&x)(path)
			values[name] = x
			return err
		})
	}
}
