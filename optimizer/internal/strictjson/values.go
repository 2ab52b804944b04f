package strictjson

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Text returns a reader of a string.
func (d Decoder) Text(to *string) Read { return token(d, to, "a string") }

// Bool returns a reader of true or false.
func (d Decoder) Bool(to *bool) Read { return token(d, to, "true or false") }

// token returns a reader of a value that JSON has a token for.
func token[T any](d Decoder, to *T, what string) Read {
	return func(path string) error {
		next, err := d.next(path)
		if err != nil {
			return err
		}
		value, ok := next.(T)
		if !ok {
			return &FieldError{path, "must be " + what}
		}
		*to = value
		return nil
	}
}

// Number returns a reader of a finite number.
func (d Decoder) Number(to *float64) Read { return d.numberOr(to, nil, "a number") }

// Seconds returns a reader of a time: a number of seconds, or a text with a
// unit, such as "8ms".
func (d Decoder) Seconds(to *float64) Read {
	return func(path string) error {
		token, err := d.next(path)
		if err != nil {
			return err
		}
		if text, ok := token.(string); ok {
			return secondsOf(path, text, to)
		}
		n, ok := token.(json.Number)
		if !ok {
			return &FieldError{path, `must be a number of seconds, or a time such as "8ms"`}
		}
		x, err := n.Float64()
		if err != nil || math.IsInf(x, 0) {
			return &FieldError{path, "is out of range"}
		}
		*to = x
		return nil
	}
}

// secondsOf reads a time with a unit. It keeps all digits, which a
// time.Duration does not: coefficients are fractions of a nanosecond.
func secondsOf(path, text string, to *float64) error {
	units := []struct {
		name    string
		seconds float64
	}{{"ns", 1e-9}, {"us", 1e-6}, {"\u00b5s", 1e-6}, {"ms", 1e-3}, {"s", 1}}
	for _, unit := range units {
		number, found := strings.CutSuffix(text, unit.name)
		if !found {
			continue
		}
		x, err := strconv.ParseFloat(number, 64)
		if err != nil || math.IsInf(x, 0) || math.IsNaN(x) {
			break
		}
		*to = x * unit.seconds
		return nil
	}
	return &FieldError{path, fmt.Sprintf("%q is not a time: write it like 8ms, 0.03ms or 1.5s, or as a number of seconds", text)}
}

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
