package strictjson_test

import (
	"errors"
	"testing"

	"github.com/variant-exporter/variant-exporter/optimizer/internal/strictjson"
)

// decode reads an object with a field of each kind.
func decode(text string) (name string, amount float64, count *int, err error) {
	var counts []int
	err = strictjson.Decode([]byte(text), func(d strictjson.Decoder) strictjson.Fields {
		return strictjson.Fields{
			"name": d.Text(&name), "amount": d.Number(&amount), "count": d.WholeOrNull(&count),
			"counts": d.List(func(path string) error {
				counts = append(counts, 0)
				return d.Whole(&counts[len(counts)-1])(path)
			}),
		}
	})
	return name, amount, count, err
}

func TestDecode(t *testing.T) {
	name, amount, count, err := decode(`{"name": "a", "amount": 1.5, "count": 3, "counts": [1, 2]}`)
	if err != nil || name != "a" || amount != 1.5 || count == nil || *count != 3 {
		t.Errorf("got %q, %g, %v, %v", name, amount, count, err)
	}
	if _, _, count, err := decode(`{"count": null}`); err != nil || count != nil {
		t.Errorf("null: got %v, %v", count, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, test := range []struct{ text, path, reason string }{
		{`{"nom": "a"}`, "nom", "unknown field"},
		{`{"name": "a", "name": "a"}`, "name", "duplicate key"},
		{`{"counts": [1, 0.5]}`, "counts[1]", "0.5 is not a whole number up to 2147483647"},
		{`{"amount": 1e999}`, "amount", "is out of range"},
		{`[]`, "", "must be an object"},
	} {
		_, _, _, err := decode(test.text)
		field, ok := errors.AsType[*strictjson.FieldError](err)
		if !ok || field.Path != test.path || field.Reason != test.reason {
			t.Errorf("%s: got %v, want %s: %s", test.text, err, test.path, test.reason)
		}
	}
	for _, text := range []string{``, `{`, `{"name"}`, `{} {}`, `{"counts":[1}`} {
		if _, _, _, err := decode(text); err == nil {
			t.Errorf("%s: accepted", text)
		}
	}
}

func TestNumberOr(t *testing.T) {
	read := func(text string) (mean, cv float64, err error) {
		err = strictjson.Decode([]byte(text), func(d strictjson.Decoder) strictjson.Fields {
			return strictjson.Fields{"x": d.NumberOr(&mean, strictjson.Fields{"mean": d.Number(&mean), "cv": d.Number(&cv)})}
		})
		return mean, cv, err
	}
	if mean, cv, err := read(`{"x": 3}`); err != nil || mean != 3 || cv != 0 {
		t.Errorf("number: got %g, %g, %v", mean, cv, err)
	}
	if mean, cv, err := read(`{"x": {"mean": 3, "cv": 0.5}}`); err != nil || mean != 3 || cv != 0.5 {
		t.Errorf("object: got %g, %g, %v", mean, cv, err)
	}
	for text, want := range map[string]string{
		`{"x": "3"}`:             "x: must be a number or an object",
		`{"x": {"means": 3}}`:    "x.means: unknown field",
		`{"x": {"cv":1,"cv":1}}`: "x.cv: duplicate key",
	} {
		if _, _, err := read(text); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}
