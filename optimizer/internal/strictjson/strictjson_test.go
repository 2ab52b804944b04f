package strictjson_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
	require.NoError(t, err)
	assert.Equal(t, "a", name)
	assert.InDelta(t, 1.5, amount, 0)
	require.NotNil(t, count)
	assert.Equal(t, 3, *count)
	_, _, count, err = decode(`{"count": null}`)
	require.NoError(t, err)
	assert.Nil(t, count, "null")
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
		require.True(t, ok, "%s: %v", test.text, err)
		assert.Equal(t, test.path, field.Path, test.text)
		assert.Equal(t, test.reason, field.Reason, test.text)
	}
	for _, text := range []string{``, `{`, `{"name"}`, `{} {}`, `{"counts":[1}`} {
		_, _, _, err := decode(text)
		assert.Error(t, err, text)
	}
}

func TestNumberOr(t *testing.T) {
	read := func(text string) (mean, cv float64, err error) {
		err = strictjson.Decode([]byte(text), func(d strictjson.Decoder) strictjson.Fields {
			return strictjson.Fields{"x": d.NumberOr(&mean, strictjson.Fields{"mean": d.Number(&mean), "cv": d.Number(&cv)})}
		})
		return mean, cv, err
	}
	mean, cv, err := read(`{"x": 3}`)
	require.NoError(t, err)
	assert.InDelta(t, 3, mean, 0, "number")
	assert.Zero(t, cv, "number")
	mean, cv, err = read(`{"x": {"mean": 3, "cv": 0.5}}`)
	require.NoError(t, err)
	assert.InDelta(t, 3, mean, 0, "object")
	assert.InDelta(t, 0.5, cv, 0, "object")
	for text, want := range map[string]string{
		`{"x": "3"}`:             "x: must be a number or an object",
		`{"x": {"means": 3}}`:    "x.means: unknown field",
		`{"x": {"cv":1,"cv":1}}`: "x.cv: duplicate key",
	} {
		_, _, err := read(text)
		require.Error(t, err, text)
		assert.Equal(t, want, err.Error(), text)
	}
}
