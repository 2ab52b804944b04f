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
