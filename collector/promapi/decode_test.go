package promapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/collector/promapi"
)

// span is a range of five steps that ends at a whole one.
var span = v1.Range{Start: at, End: at.Add(time.Minute), Step: 15 * time.Second}

// sample is one element of a vector, with its fields as given.
func sample(fields string) string { return result("vector", "[{"+fields+"}]") }

// stream is one element of a matrix, with its fields as given.
func stream(fields string) string { return result("matrix", `[{"metric":{},`+fields+"}]") }

// query returns the answer to a query as text, and the error without the server's name.
func query(t *testing.T, body string) (answer, failure string) {
	t.Helper()
	server := serve(t, say(200, body))
	vector, err := connect(t, promapi.Config{URL: server.URL}).Query(t.Context(), "up", at)
	if err != nil {
		assert.Nil(t, vector)
		return "", strings.Replace(err.Error(), " "+server.URL+":", "", 1)
	}
	return vector.String(), ""
}

// queryRange is query over span.
func queryRange(t *testing.T, body string) (answer, failure string) {
	t.Helper()
	server := serve(t, say(200, body))
	matrix, err := connect(t, promapi.Config{URL: server.URL}).QueryRange(t.Context(), "up", span)
	if err != nil {
		assert.Nil(t, matrix)
		return "", strings.Replace(err.Error(), " "+server.URL+":", "", 1)
	}
	return matrix.String(), ""
}

// TestAnswersOfEngines reads answers in the ways in which each engine writes them.
func TestAnswersOfEngines(t *testing.T) {
	const want = `{namespace="llm", pod="a-0"} => 7.5 @[1790000000.123]`
	const series = `{"metric":{"namespace":"llm","pod":"a-0"},"value":[1790000000.123,"7.5"]}`
	tests := map[string]string{
		"Prometheus 2": `{"status":"success","data":{"resultType":"vector","result":[` + series + `]}}`,
		"Prometheus 3 with statistics": `{"status":"success","data":{"resultType":"vector","result":[` + series + `],` +
			`"stats":{"timings":{"evalTotalTime":0.1},"samples":{"totalQueryableSamples":1,"peakSamples":1}}},"infos":["PromQL info: metric might not be a counter"]}`,
		"Prometheus 2.50, infos among warnings": `{"status":"success","data":{"resultType":"vector","result":[` + series + `]},"warnings":["PromQL info: metric might not be a counter"]}`,
		"VictoriaMetrics":                       `{"status":"success","data":{"resultType":"vector","result":[` + series + `]},"stats":{"seriesFetched": "1","executionTimeMsec":3}}`,
		"VictoriaMetrics cluster, with a trace": `{"status":"success","isPartial":false,"data":{"resultType":"vector","result":[` + series + `]},"stats":{"seriesFetched": "1"},` +
			`"trace":{"duration_msec":1.2,"message":"vmselect","children":[{"duration_msec":1,"message":"/api/v1/query","children":[{"message":"{}\"]"}]}]}}`,
		"Thanos with an analysis": `{"status":"success","data":{"resultType":"vector","result":[` + series + `],"analysis":{"name":"[sum]","children":[]}},"warnings":[]}`,
		"Mimir":                   `{"status":"success","data":{"resultType":"vector","result":[{"value":[1790000000.123,"7.5"],"metric":{"pod":"a-0","namespace":"llm"}}]},"warnings":null}` + "\n",
		"Cortex, the type last":   `{"data":{"result":[` + series + `],"resultType":"vector"},"status":"success","errorType":"","error":""}`,
		"escapes": `{"st\u0061tus":"success","data":{"resultType":"vec\u0074or","result":[` +
			`{"metric":{"namespace":"l\u006cm","p\u006fd":"a\u002d0"},"value":[1790000000.123,"7.5"]}]}}`,
		"white space":          "\r\n{ \"status\" : \"success\" ,\t\"data\" : { \"resultType\" : \"vector\" , \"result\" : [ { \"metric\" : { \"namespace\" : \"llm\" , \"pod\" : \"a-0\" } , \"value\" : [ 1790000000.123 , \"7.5\" ] } ] } } \n",
		"a millisecond before": strings.Replace(oneEach(series), "0.123", "0.122", 1),
		"a millisecond behind": strings.Replace(oneEach(series), "0.123", "0.124", 1),
		"microseconds":         strings.Replace(oneEach(series), "0.123", "0.1230004", 1),
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			answer, failure := query(t, body)
			assert.Empty(t, failure)
			assert.Equal(t, want, answer)
		})
	}
}

func oneEach(series string) string { return result("vector", "["+series+"]") }

// TestQueryRefuses holds that what is not a whole answer is an error.
func TestQueryRefuses(t *testing.T) {
	const whole = `"metric":{},"value":[1790000000.123,"7"]`
	tests := map[string]struct{ body, want string }{
		"partial":               {strings.Replace(oneSample, `"data"`, `"isPartial":true,"data"`, 1), "partial: the source calls its answer partial (isPartial)"},
		"partial, said last":    {strings.TrimSuffix(oneSample, "}") + `,"isPartial": true}`, "partial: the source calls its answer partial (isPartial)"},
		"partial, of some kind": {strings.Replace(oneSample, `"data"`, `"isPartial":"yes","data"`, 1), "bad_response: isPartial is neither true nor false"},
		"warned of last":        {strings.TrimSuffix(oneSample, "}") + `,"warnings":["a store is away"]}`, "warnings: a store is away"},
		"warned without a text": {strings.TrimSuffix(oneSample, "}") + `,"warnings":[null]}`, "warnings: "},
		"no status":             {strings.Replace(oneSample, `"status":"success",`, "", 1), "bad_response: the answer has no status"},
		"no status but null":    {strings.Replace(oneSample, `"success"`, "null", 1), "bad_response: the answer has no status"},
		"another status":        {strings.Replace(oneSample, `"success"`, `"pending"`, 1), `bad_response: the answer has the status "pending"`},
		"success of a number":   {strings.Replace(oneSample, `"success"`, "1", 1), "bad_response: cannot unmarshal number into Go value of type string"},
		"no data":               {`{"status":"success"}`, "bad_response: the answer holds no result"},
		"null data":             {`{"status":"success","data":null}`, "bad_response: the answer holds no result"},
		"no result":             {`{"status":"success","data":{"resultType":"vector"}}`, "bad_response: the answer holds no result"},
		"null result":           {result("vector", "null"), "bad_response: byte 59: want a result, not null"},
		"null result, typed last": {
			`{"status":"success","data":{"result":null,"resultType":"vector"}}`, "bad_response: byte 37: want a result, not null",
		},
		"no type":                    {`{"status":"success","data":{"result":[]}}`, `bad_response: unknown value type ""`},
		"a matrix with warnings":     {strings.TrimSuffix(result("matrix", "[]"), "}") + `,"warnings":["w"]}`, "warnings: w"},
		"no labels":                  {sample(`"value":[1790000000.123,"7"]`), "bad_response: the answer holds an element without labels"},
		"null labels":                {sample(`"metric":null,"value":[1790000000.123,"7"]`), "bad_response: byte 70: want labels, not null"},
		"null label":                 {sample(`"metric":{"a":null},"value":[1790000000.123,"7"]`), "bad_response: byte 75: want a string, not null"},
		"no value":                   {sample(`"metric":{}`), "bad_response: the answer holds an element without a value"},
		"null value":                 {sample(`"metric":{},"value":null`), "bad_response: byte 81: want a sample, not null"},
		"empty value":                {sample(`"metric":{},"value":[]`), "bad_response: byte 82: want a time, not ']'"},
		"time alone":                 {sample(`"metric":{},"value":[1790000000.123]`), "bad_response: byte 96: want ',', not ']'"},
		"null time":                  {sample(`"metric":{},"value":[null,"7"]`), "bad_response: byte 82: want a time, not null"},
		"null number":                {sample(`"metric":{},"value":[1790000000.123,null]`), "bad_response: byte 97: want a string, not null"},
		"number without quotes":      {sample(`"metric":{},"value":[1790000000.123,7]`), "bad_response: byte 97: want a string, not '7'"},
		"time in quotes":             {sample(`"metric":{},"value":["1790000000.123","7"]`), `bad_response: byte 82: want a time, not '"'`},
		"three of two":               {sample(`"metric":{},"value":[1790000000.123,"7",1]`), "bad_response: byte 100: want ']', not ','"},
		"no number":                  {sample(`"metric":{},"value":[1790000000.123,"seven"]`), `bad_response: the value "seven" is not a number`},
		"empty number":               {sample(`"metric":{},"value":[1790000000.123,""]`), `bad_response: the value "" is not a number`},
		"number out of range":        {sample(`"metric":{},"value":[1790000000.123,"1e999"]`), `bad_response: the value "1e999" is not a number`},
		"two milliseconds before":    {sample(`"metric":{},"value":[1790000000.121,"7"]`), "bad_response: a sample is of the time 1790000000.121, which was not asked for"},
		"two milliseconds behind":    {sample(`"metric":{},"value":[1790000000.125,"7"]`), "bad_response: a sample is of the time 1790000000.125, which was not asked for"},
		"rounded to seconds":         {sample(`"metric":{},"value":[1790000000,"7"]`), "bad_response: a sample is of the time 1790000000, which was not asked for"},
		"a step before":              {sample(`"metric":{},"value":[1789999999.123,"7"]`), "bad_response: a sample is of the time 1789999999.123, which was not asked for"},
		"time below zero":            {sample(`"metric":{},"value":[-1790000000.123,"7"]`), "bad_response: byte 82: want a time, not '-'"},
		"time with an exponent":      {sample(`"metric":{},"value":[1.79e9,"7"]`), "bad_response: byte 86: want ',', not 'e'"},
		"time out of range":          {sample(`"metric":{},"value":[17900000000000000000,"7"]`), "bad_response: byte 94: want ',', not '0'"},
		"time with a leading zero":   {sample(`"metric":{},"value":[01790000000.123,"7"]`), "bad_response: byte 82: want a time, not '0'"},
		"time with an open fraction": {sample(`"metric":{},"value":[1790000000.,"7"]`), "bad_response: byte 93: want a digit, not ','"},
		"null histogram":             {sample(whole + `,"histogram":null`), "bad_response: wrong number of fields: 0 != 2"},
		"histogram of another time":  {sample(`"metric":{},"histogram":[1,{"count":"1","sum":"1"}]`), "bad_response: a sample is of the time 1, which was not asked for"},
		"histogram without buckets":  {sample(`"metric":{},"histogram":[1790000000.123,{"count":"1","sum":"1","buckets":[null]}]`), "bad_response: the answer holds an element without a value"},
		"status twice":               {strings.Replace(oneSample, `"status"`, `"status":"success","status"`, 1), `bad_response: the key "status" comes twice in one object`},
		"data twice":                 {strings.TrimSuffix(oneSample, "}") + `,"data":null}`, `bad_response: the key "data" comes twice in one object`},
		"unknown key twice":          {strings.Replace(oneSample, `"data"`, `"x":1,"x":1,"data"`, 1), `bad_response: the key "x" comes twice in one object`},
		"key twice, spelt otherwise": {strings.Replace(oneSample, `"data"`, `"st\u0061tus":"error","data"`, 1), `bad_response: the key "status" comes twice in one object`},
		"type twice":                 {strings.Replace(oneSample, `"resultType"`, `"resultType":"vector","resultType"`, 1), `bad_response: the key "resultType" comes twice in one object`},
		"result twice":               {strings.Replace(oneSample, `"result":`, `"result":[],"result":`, 1), `bad_response: the key "result" comes twice in one object`},
		"labels twice":               {sample(whole + `,"metric":{}`), `bad_response: the key "metric" comes twice in one object`},
		"value twice":                {sample(whole + `,"value":[1790000000.123,"7"]`), `bad_response: the key "value" comes twice in one object`},
		"label twice":                {sample(`"metric":{"a":"1","b":"1","a":"1"},"value":[1790000000.123,"7"]`), `bad_response: the label "a" comes twice in one series`},
		"too many keys":              {"{" + manyKeys(40) + "}", "bad_response: more than 32 keys in one object"},
		"a second document":          {oneSample + oneSample, "bad_response: byte 125: want nothing behind the answer, not '{'"},
		"garbage behind":             {oneSample + "\x00", `bad_response: byte 125: want nothing behind the answer, not '\x00'`},
		"a comma behind an element":  {result("vector", "[{"+whole+"},]"), "bad_response: byte 103: want an element, not ']'"},
		"no comma":                   {result("vector", "[{"+whole+"}{"+whole+"}]"), "bad_response: byte 102: want ',' or ']', not '{'"},
		"no colon":                   {sample(`"metric" {}`), "bad_response: byte 70: want ':', not '{'"},
		"wrong escape":               {sample(`"metric":{"a":"\x"}`), `bad_response: invalid character 'x' in string escape code`},
		"control character":          {sample("\"metric\":{\"a\":\"\n\"}"), `bad_response: byte 76: want no control character in a string, not '\n'`},
		"not UTF-8":                  {sample("\"metric\":{\"a\":\"\xff\"}"), "bad_response: a string is not UTF-8"},
		"broken unknown field":       {strings.Replace(oneSample, `"data"`, `"stats":{"a":},"data"`, 1), "bad_response: invalid character '}' looking for beginning of value"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, failure := query(t, tt.body)
			assert.Equal(t, tt.want, failure)
		})
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + strings.Repeat("k", i+1) + `":0`)
	}
	return b.String()
}

// TestQueryRefusesEveryCut holds that no part of an answer passes for an answer.
func TestQueryRefusesEveryCut(t *testing.T) {
	for n := range len(oneSample) {
		_, failure := query(t, oneSample[:n])
		require.Equal(t, "bad_response: unexpected end of JSON input", failure, oneSample[:n])
	}
}

func TestQueryRangeReads(t *testing.T) {
	tests := map[string]struct{ body, want string }{
		"every step": {
			stream(`"values":[[1790000000.123,"1"],[1790000015.123,"NaN"],[1790000030.123,"+Inf"],[1790000045.123,"-2"],[1790000060.123,"0.5"]]`),
			"{} =>\n1 @[1790000000.123]\nNaN @[1790000015.123]\n+Inf @[1790000030.123]\n-2 @[1790000045.123]\n0.5 @[1790000060.123]",
		},
		"some steps, rounded otherwise": {stream(`"values":[[1790000000.122,"1"],[1790000045.124,"2"]]`), "{} =>\n1 @[1790000000.123]\n2 @[1790000045.123]"},
		"histograms beside values": {
			stream(`"values":[[1790000015.123,"1"]],"histograms":[[1790000030.123,{"count":"1","sum":"2"}]]`),
			"{} =>\n1 @[1790000015.123]\nCount: 1.000000, Sum: 2.000000, Buckets: [] @[1790000030.123]",
		},
		"histograms alone": {stream(`"histograms":[[1790000030.123,{"count":"1","sum":"2"}]]`), "{} =>\nCount: 1.000000, Sum: 2.000000, Buckets: [] @[1790000030.123]"},
		"no series":        {result("matrix", "[]"), ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			answer, failure := queryRange(t, tt.body)
			assert.Empty(t, failure)
			assert.Equal(t, tt.want, answer)
		})
	}
}

func TestQueryRangeRefuses(t *testing.T) {
	values := func(samples string) string { return stream(`"values":[` + samples + "]") }
	off := func(at string) string {
		return "bad_response: a sample is of the time " + at + ", which was not asked for"
	}
	const disorder = "bad_response: the samples of a series are not in the order of time"
	tests := map[string]struct{ body, want string }{
		"a vector":            {oneSample, "wrong_type: the answer is a vector, not a matrix"},
		"no values":           {result("matrix", `[{"metric":{}}]`), "bad_response: the answer holds an element without a value"},
		"a value":             {stream(`"value":[1790000000.123,"1"]`), "bad_response: the answer holds an element without a value"},
		"null values":         {stream(`"values":null`), "bad_response: byte 82: want samples, not null"},
		"null sample":         {values("null"), "bad_response: byte 83: want a sample, not null"},
		"null histograms":     {stream(`"histograms":null`), "bad_response: byte 86: want histograms, not null"},
		"null histogram":      {stream(`"histograms":[null]`), "bad_response: wrong number of fields: 0 != 2"},
		"before the start":    {values(`[1789999985.123,"1"]`), off("1789999985.123")},
		"behind the end":      {values(`[1790000075.123,"1"]`), off("1790000075.123")},
		"between two steps":   {values(`[1790000005,"1"]`), off("1790000005")},
		"a shifted grid":      {values(`[1790000010,"1"],[1790000025,"1"]`), off("1790000010")},
		"backwards":           {values(`[1790000015.123,"1"],[1790000000.123,"1"]`), disorder},
		"a time twice":        {values(`[1790000015.123,"1"],[1790000015.123,"1"]`), disorder},
		"a time nearly twice": {values(`[1790000015.122,"1"],[1790000015.123,"1"]`), disorder},
		"histogram twice":     {stream(`"histograms":[[1790000030.123,{"count":"1","sum":"2"}],[1790000030.123,{"count":"1","sum":"2"}]]`), disorder},
		"histogram off":       {stream(`"histograms":[[1790000031,{"count":"1","sum":"2"}]]`), off("1790000031")},
		"values twice":        {stream(`"values":[],"values":[]`), `bad_response: the key "values" comes twice in one object`},
		"partial":             {strings.TrimSuffix(result("matrix", "[]"), "}") + `,"isPartial":true}`, "partial: the source calls its answer partial (isPartial)"},
		"cut":                 {values(`[1790000015.123,"1"]`)[:100], "bad_response: unexpected end of JSON input"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, failure := queryRange(t, tt.body)
			assert.Equal(t, tt.want, failure)
		})
	}
}

// TestQueryRangeAsks holds that a range is asked as an instant is: with POST, and with GET where POST is refused.
func TestQueryRangeAsks(t *testing.T) {
	for _, status := range []int{http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotImplemented} {
		var asked []string
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if assert.NoError(t, r.ParseForm()) {
				asked = append(asked, r.Method+" "+r.URL.Path+" "+strings.Join(r.Form["step"], ",")+" "+r.Form.Get("end")+" "+r.Form.Get("timeout")+" "+r.Form.Get("k"))
			}
			if r.Method == http.MethodPost {
				w.WriteHeader(status)
				return
			}
			assert.Empty(t, r.PostForm)
			say(200, result("matrix", "[]"))(w, r)
		})
		sub := v1.Range{Start: at, End: at.Add(2 * time.Second), Step: 250*time.Millisecond + time.Microsecond}
		matrix, err := connect(t, promapi.Config{URL: server.URL + "/prom?k=v"}).QueryRange(t.Context(), "up", sub)
		require.NoError(t, err)
		assert.NotNil(t, matrix)
		const want = " /prom/api/v1/query_range 0.25 1790000002.123 10s v"
		assert.Equal(t, []string{"POST" + want, "GET" + want}, asked)
	}
	_, err := connect(t, promapi.Config{URL: serve(t, say(200, padded(5000))).URL, MaxBodyBytes: 4096}).QueryRange(t.Context(), "up", span)
	assert.Equal(t, promapi.ReasonTooLarge, promapi.ReasonOf(err))
}
