package promapi

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// remembered is shared by all tests, as a client shares it between its answers.
var remembered knownLabels

// canned is an api.Client that answers every request alike: client_golang's decoder without a network.
type canned []byte

func (c canned) URL(string, map[string]string) *url.URL {
	return &url.URL{Scheme: "http", Host: "canned"}
}

func (c canned) Do(context.Context, *http.Request) (*http.Response, []byte, error) {
	return &http.Response{StatusCode: http.StatusOK}, c, nil
}

// theirs decodes an answer with client_golang.
func theirs(tb testing.TB, body []byte) model.Value {
	tb.Helper()
	value, _, _, err := v1.NewAPI(canned(body)).Query(tb.Context(), "up", time.Time{})
	require.NoError(tb, err)
	return value
}

// same holds that two answers are equal. NaN is equal to NaN.
func same(t require.TestingT, want, got model.Value) {
	a, err := json.Marshal(want)
	require.NoError(t, err)
	b, err := json.Marshal(got)
	require.NoError(t, err)
	require.Equal(t, string(a), string(b))
}

// answers writes a result with white space and with its fields in any order, as the API allows.
func answers(t *rapid.T, kind, result string) []byte {
	gap := func() string { return rapid.SampledFrom([]string{"", "", " ", "\n\t"}).Draw(t, "white space") }
	object := func(fields ...string) string {
		return gap() + "{" + gap() + strings.Join(rapid.Permutation(fields).Draw(t, "fields"), gap()+","+gap()) + "}" + gap()
	}
	data := object(`"resultType":"`+kind+`"`, `"result":`+gap()+result, `"stats":{"a":[1,{"b":null}]}`)
	return []byte(object(`"status":`+gap()+`"success"`, `"data":`+data, `"isPartial":false`, `"infos":["i"]`, `"trace":{"x":"\"}"}`))
}

func metrics() *rapid.Generator[model.Metric] {
	return rapid.Custom(func(t *rapid.T) model.Metric {
		names := rapid.StringMatching(`[a-z_"\\é]{1,4}`)
		values := rapid.OneOf(rapid.SampledFrom([]string{"", "llm", "a-0", "meta-llama/Llama-3.1-8B", `"`, `\`, "\n", "é", "<&>", "\U0001F600"}), rapid.String())
		metric := model.Metric{}
		for name, value := range rapid.MapOfN(names, values, 0, 5).Draw(t, "labels") {
			metric[model.LabelName(name)] = model.LabelValue(strings.ToValidUTF8(value, "?"))
		}
		return metric
	})
}

func numbers() *rapid.Generator[model.SampleValue] {
	return rapid.Map(rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, 1, math.NaN(), math.Inf(1), math.Inf(-1), 5e-324, math.MaxFloat64})),
		func(x float64) model.SampleValue { return model.SampleValue(x) })
}

func histograms() *rapid.Generator[*model.SampleHistogram] {
	return rapid.Custom(func(t *rapid.T) *model.SampleHistogram {
		h := &model.SampleHistogram{Count: 3, Sum: model.FloatString(rapid.Float64Range(-9, 9).Draw(t, "sum")), Buckets: model.HistogramBuckets{}}
		for i := range rapid.IntRange(0, 3).Draw(t, "buckets") {
			h.Buckets = append(h.Buckets, &model.HistogramBucket{Lower: model.FloatString(i), Upper: model.FloatString(i + 1), Count: 1})
		}
		return h
	})
}

// TestVectorsComeBack writes vectors and reads them, and holds that no part of what was written can be read.
func TestVectorsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.Int64Range(0, 4e12).Draw(t, "time")
		vector := model.Vector(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) *model.Sample {
			s := &model.Sample{Metric: metrics().Draw(t, "metric"), Timestamp: model.Time(at)}
			if rapid.IntRange(0, 5).Draw(t, "kind") == 0 {
				s.Histogram = histograms().Draw(t, "histogram")
			} else {
				s.Value = numbers().Draw(t, "value")
			}
			return s
		}), 0, 8).Draw(t, "vector"))
		result, err := json.Marshal(vector)
		require.NoError(t, err)
		body := answers(t, "vector", string(result))
		got, err := decodeVector(body, instant(at), &remembered, nil)
		require.NoError(t, err)
		same(t, vector, got)

		trimmed := strings.TrimRight(string(body), " \n\t")
		_, err = decodeVector([]byte(trimmed[:rapid.IntRange(0, len(trimmed)-1).Draw(t, "cut")]), instant(at), &remembered, nil)
		require.ErrorIs(t, err, errTruncated)
		_, err = decodeVector(body, instant(at+2), &remembered, nil)
		require.Equal(t, len(vector) > 0, err != nil)
	})
}

// TestMatricesComeBack writes matrices on a grid and reads them.
func TestMatricesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		steps := rapid.Int64Range(1, 20).Draw(t, "steps")
		asked := grid{start: rapid.Int64Range(0, 4e12).Draw(t, "start"), step: rapid.Int64Range(4, 1e6).Draw(t, "step")}
		asked.end = asked.start + steps*asked.step - rapid.Int64Range(1, asked.step).Draw(t, "before the next step")
		matrix := model.Matrix(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) *model.SampleStream {
			s := &model.SampleStream{Metric: metrics().Draw(t, "metric")}
			for i := range steps {
				at := model.Time(asked.start + i*asked.step)
				switch rapid.IntRange(0, 9).Draw(t, "kind") {
				case 0:
				case 1:
					s.Histograms = append(s.Histograms, model.SampleHistogramPair{Timestamp: at, Histogram: histograms().Draw(t, "histogram")})
				default:
					s.Values = append(s.Values, model.SamplePair{Timestamp: at, Value: numbers().Draw(t, "value")})
				}
			}
			if s.Values == nil {
				s.Values = []model.SamplePair{}
			}
			return s
		}), 0, 5).Draw(t, "matrix"))
		result, err := json.Marshal(matrix)
		require.NoError(t, err)
		got, err := decodeMatrix(answers(t, "matrix", string(result)), asked, &remembered, nil)
		require.NoError(t, err)
		same(t, matrix, got)
	})
}

// TestSnap holds that exactly the times within a millisecond of the grid belong to it.
func TestSnap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := grid{start: rapid.Int64Range(-100, 100).Draw(t, "start"), step: rapid.Int64Range(4, 20).Draw(t, "step")}
		g.end = g.start + rapid.Int64Range(0, 60).Draw(t, "length")
		for at := g.start - 30; at < g.end+30; at++ {
			want, belongs := int64(0), false
			for step := g.start; step <= g.end; step += g.step {
				if at-1 <= step && step <= at+1 {
					want, belongs = step, true
				}
			}
			got, ok := g.snap(at)
			require.Equal(t, belongs, ok, "%d on %v", at, g)
			if ok {
				require.Equal(t, want, got, "%d on %v", at, g)
			}
		}
	})
}

// FuzzDecode holds that nothing makes the decoder panic, and that what it accepts is what encoding/json reads.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"\u00e9"},"value":[1790000000.123,"7"]}]}}`,
		`{"data":{"result":[{"metric":{},"value":[1790000000.123,"NaN"]}],"resultType":"vector"},"status":"success","isPartial":false}`,
		`{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"histogram":[1790000000.123,{"count":"1","sum":"1","buckets":[[0,"0","1","1"]]}]}]}}`,
		`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1790000000.123,"7"],[1790000015.123,"+Inf"]]}]}}`,
		`{"status":"success","isPartial":true,"warnings":["w"],"data":{"resultType":"scalar","result":[1,"1"]},"stats":{"x":[]}}`,
		`{"status":"error","errorType":"timeout","error":"slow"}`,
		`[[[[[[`,
	} {
		f.Add([]byte(seed))
	}
	const at = 1_790_000_000_123
	f.Fuzz(func(t *testing.T, body []byte) {
		if vector, err := decodeVector(body, instant(at), &remembered, nil); err == nil {
			elements := reference(t, body, "vector")
			require.Len(t, vector, len(elements))
			for i, s := range vector {
				equalMetric(t, elements[i], s.Metric)
				if s.Histogram == nil {
					equalSample(t, elements[i]["value"], model.SamplePair{Timestamp: s.Timestamp, Value: s.Value})
				}
				_ = s.String()
			}
		}
		if matrix, err := decodeMatrix(body, grid{at, at + 60_000, 15_000}, &remembered, nil); err == nil {
			elements := reference(t, body, "matrix")
			require.Len(t, matrix, len(elements))
			for i, s := range matrix {
				equalMetric(t, elements[i], s.Metric)
				values, _ := elements[i]["values"].([]any)
				require.Len(t, s.Values, len(values))
				for j, p := range s.Values {
					equalSample(t, values[j], p)
				}
				_ = s.String()
			}
		}
	})
}

// reference reads the elements of an answer with encoding/json, and holds that the answer is whole and of that type.
func reference(t *testing.T, body []byte, kind string) []map[string]any {
	t.Helper()
	var whole struct{ answer map[string]any }
	require.NoError(t, json.Unmarshal(body, &whole.answer))
	require.Equal(t, "success", whole.answer["status"])
	require.NotEqual(t, true, whole.answer["isPartial"])
	data, _ := whole.answer["data"].(map[string]any)
	require.Equal(t, kind, data["resultType"])
	result, ok := data["result"].([]any)
	require.True(t, ok)
	elements := make([]map[string]any, len(result))
	for i, e := range result {
		elements[i], ok = e.(map[string]any)
		require.True(t, ok)
	}
	return elements
}

func equalMetric(t *testing.T, element map[string]any, metric model.Metric) {
	t.Helper()
	labels, ok := element["metric"].(map[string]any)
	require.True(t, ok)
	require.Len(t, metric, len(labels))
	for name, value := range labels {
		require.Equal(t, value, string(metric[model.LabelName(name)]))
	}
}

func equalSample(t *testing.T, said any, p model.SamplePair) {
	t.Helper()
	pair, ok := said.([]any)
	require.True(t, ok)
	require.Len(t, pair, 2)
	require.InDelta(t, pair[0], float64(p.Timestamp)/1000, 0.0016)
	text, ok := pair[1].(string)
	require.True(t, ok)
	value, err := strconv.ParseFloat(text, 64)
	require.NoError(t, err)
	require.Equal(t, math.Float64bits(value), math.Float64bits(float64(p.Value)))
}

// pods is an answer of n pods, over so many steps, or at one instant where there are none.
func pods(n, steps int) (kind string, body []byte) {
	var b strings.Builder
	kind = "vector"
	if steps > 0 {
		kind = "matrix"
	}
	fmt.Fprintf(&b, `{"status":"success","data":{"resultType":%q,"result":[`, kind)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"metric":{"model_name":"meta-llama/Llama-3.%d","namespace":"llm","pod":"llama-%d-7d9f8b6c5d-%05d"},`, i/40, i/40, i)
		if steps == 0 {
			fmt.Fprintf(&b, `"value":[1790000000.123,"%d"]}`, i%97)
			continue
		}
		for j := range steps {
			fmt.Fprintf(&b, `%s[%d.123,"%g"]`, map[bool]string{true: `"values":[`, false: ","}[j == 0], 1790000000+15*j, float64(i%97)/7+float64(j))
		}
		b.WriteString("]}")
	}
	b.WriteString("]}}")
	return kind, []byte(b.String())
}

// BenchmarkDecode reads an answer by pod of a large fleet with this decoder and with client_golang's.
func BenchmarkDecode(b *testing.B) {
	const at = 1_790_000_000_123
	for _, steps := range []int{0, 10} {
		kind, body := pods(8000, steps)
		ours := func() (model.Value, error) { return decodeVector(body, instant(at), &remembered, nil) }
		if steps > 0 {
			ours = func() (model.Value, error) {
				return decodeMatrix(body, grid{at, at + 150_000, 15_000}, &remembered, nil)
			}
		}
		value, err := ours()
		require.NoError(b, err)
		same(b, theirs(b, body), value)
		measure := func(name string, decode func() (model.Value, error)) {
			b.Run(kind+"/"+name, func(b *testing.B) {
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					_, err := decode()
					require.NoError(b, err)
				}
			})
		}
		measure("ours", ours)
		measure("client_golang", func() (model.Value, error) { return theirs(b, body), nil })
	}
}
