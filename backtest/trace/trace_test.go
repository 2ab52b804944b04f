package trace

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	azure   = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
	lengths = "timestamp,input_length,output_length\n"
	windows = "t_seconds,req_per_s,active_clients,rate_weighted_cv2,mean_input_tokens,mean_output_tokens\n"
)

func TestRequests(t *testing.T) {
	want := []Request{{0, 374, 44}, {4314589 * time.Microsecond, 396, 109}}
	for name, text := range map[string]string{
		"azure 2023":           azure + "2023-11-16 18:15:46.6805900,374,44\r\n2023-11-16 18:15:50.9951790,396,109\r\n",
		"azure 2024":           azure + "2024-05-10 00:00:00.009930+00:00,374,44\n2024-05-10 00:00:04.324519+00:00,396,109\n",
		"dates with T":         lengths + "2025-05-26T22:04:54.251253,374,44\n2025-05-26T22:04:58.565842,396,109\n",
		"seconds":              lengths + "10,374,44\n14.314589,396,109\n",
		"blank lines":          lengths + "\n10,374,44\n\n14.314589,396,109\n\n",
		"byte order mark":      "\ufeff" + lengths + "10,374,44\n14.314589,396,109\n",
		"spaces":               "timestamp, input_length, output_length\n10, 374, 44\n14.314589, 396, 109\n",
		"no end of last line":  lengths + "10,374,44\n14.314589,396,109",
		"mooncake":             `{"timestamp": 1000, "input_length": 374, "output_length": 44, "hash_ids": [0, 1]}` + "\n" + `{"timestamp": 5314.589, "input_length": 396, "output_length": 109, "hash_ids": []}` + "\n",
		"mooncake, no newline": `{"timestamp": 0, "input_length": 374, "output_length": 44}` + "\n" + `{"timestamp": 4314.589, "input_length": 396, "output_length": 109}`,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Read(strings.NewReader(text), "f")
			require.NoError(t, err)
			require.Equal(t, want, got.Requests)
			require.Empty(t, got.Gaps)
			require.Equal(t, want[1].At, got.End())
			require.Equal(t, !strings.HasSuffix(text, "\n"), got.CutOff)
		})
	}
}

func TestWindows(t *testing.T) {
	got, err := Read(strings.NewReader(windows+
		"1200,212.78,43,5.9416,355.4,292.5\r\n"+
		"1800,179.5,40,0,364.9,285.5\r\n"+
		"2400,0.0,0,,,\r\n"+
		"3000,0.0,0,,,\r\n"+
		"4200,10,,2,300,200\r\n"), "f")
	require.NoError(t, err)
	const ten = 10 * time.Minute
	require.Equal(t, ten, got.Every)
	require.Equal(t, []Window{
		{212.78, 5.9416, 355.4, 292.5, 43},
		{179.5, 1, 364.9, 285.5, 40},
		{0, 1, 0, 0, 0},
		{0, 1, 0, 0, 0},
		{5, 1.5, 300, 200, -1},
		{10, 2, 300, 200, -1},
	}, got.Windows)
	require.Equal(t, []Gap{
		{2 * ten, 4 * ten, "no client at all"},
		{4 * ten, 5 * ten, "windows are missing: filled between their neighbours"},
	}, got.Gaps)
	require.Equal(t, 6*ten, got.End())
	require.NoError(t, got.Covers(6*ten))
	require.EqualError(t, got.Covers(6*ten+time.Second),
		"f: the trace ends after 1h0m0s, but 1h0m1s are needed: shorten the duration or the warmup, or give a longer trace")
}

func TestBroken(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"empty", "", "f:1:1: the file is empty"},
		{"blank", "\n\n", "f:1:1: the file is empty"},
		{"header", "time,tokens\n", "f:1:1: an unknown header: expected one of t_seconds,"},
		{"no header", "2023-11-16 18:15:46.6805900,374,44\n", "f:1:1: the header is missing"},
		{"no request", azure, "f:1:1: the trace has no request"},
		{"few columns", lengths + "1,2,3\n2,3\n", "f:3:4: 2 columns where the header has 3"},
		{"cut off", lengths + "1,2,3\n2,3", "f:3:4: 2 columns where the header has 3, and no end of line: the file is cut off"},
		{"many columns", lengths + "1,2,3,4\n", "f:2:8: 4 columns"},
		{"word", lengths + "1,2,3\n2,many,3\n", `f:3:3: input_length: "many" is not a whole number`},
		{"fraction", lengths + "1,2,3.5\n", `f:2:5: output_length: "3.5" is not a whole number`},
		{"negative", lengths + "1,2,-3\n", "f:2:5: output_length: -3 is not a number of tokens"},
		{"no tokens", lengths + "1,,3\n", "f:2:3: input_length: no value"},
		{"no date", azure + "yesterday,2,3\n", `f:2:1: timestamp: "yesterday" is neither seconds nor a date`},
		{"not a number", lengths + "NaN,2,3\n", "f:2:1: timestamp: NaN is not a time"},
		{"too late", lengths + "1e300,2,3\n", "f:2:1: timestamp: 1e+300 is not a time"},
		{"backwards", lengths + "\n10,2,3\n9.5,2,3\n", "f:4:1: timestamp: 500ms before the request of the line above: sort the trace by time"},
		{"number after date", azure + "2023-11-16 18:15:46,2,3\n5,2,3\n", `f:3:1: timestamp: "5" is a number, and times before it are dates`},
		{"date after number", azure + "5,2,3\n2023-11-16 18:15:46,2,3\n", `f:3:1: timestamp: "2023-11-16 18:15:46" is a date, and times before it are numbers`},
		{"json cut off", `{"timestamp": 0, "input_length": 1, "output_length": 2}` + "\n" + `{"timestamp": 0, "inp`, "f:2:21: unexpected end of JSON input, and no end of line: the file is cut off"},
		{"json without output", `{"timestamp": 0, "input_length": 1}` + "\n", "f:1:35: output_length is missing"},
		{"json without input", `{"timestamp": 0, "output_length": 1}` + "\n", "f:1:36: input_length is missing"},
		{"json without time", `{"input_length": 1, "output_length": 1}` + "\n", "f:1:39: timestamp is missing"},
		{"json kind", `{"timestamp": "now", "input_length": 1, "output_length": 1}` + "\n", "f:1:19: json: cannot unmarshal"},
		{"json negative", `{"timestamp": -5, "input_length": 1, "output_length": 1}` + "\n", "f:1:1: -0.005 is not a time"},
		{"csv in json", `{"timestamp": 0, "input_length": 1, "output_length": 1}` + "\n1,2,3\n", "f:2:2: invalid character"},
		{"too many windows", windows + "0,1,1,1,1,1\n1,1,1,1,1,1\n9000000,1,1,1,1,1\n", "f:4:1: t_seconds: more than 1000000 windows"},
		{"one window", windows + "0,1,1,1,1,1\n", "f:2:1: a trace of windows needs at least two of them"},
		{"window cut off", windows + "0,1,1,1,1,1\n600,1,1,1,1,1", "f:3:14: the last line has no end: the file is cut off"},
		{"window twice", windows + "0,1,1,1,1,1\n600,1,1,1,1,1\n600,1,1,1,1,1\n", "f:4:1: t_seconds: not after the window of the line above"},
		{"odd window", windows + "0,1,1,1,1,1\n600,1,1,1,1,1\n900,1,1,1,1,1\n", "f:4:1: t_seconds: 5m0s after the window above, where windows are 10m0s long"},
		{"lengths missing", windows + "0,1,1,1,,\n", "f:2:9: mean_input_tokens: no value"},
		{"rate missing", windows + "0,,1,1,1,1\n", "f:2:3: req_per_s: no value"},
		{"negative rate", windows + "0,-1,1,1,1,1\n", "f:2:3: req_per_s: -1 is out of range"},
		{"infinite rate", windows + "0,Inf,1,1,1,1\n", `f:2:3: req_per_s: "Inf" is not a number`},
		{"endless line", lengths + strings.Repeat("1", maxLine+1), "f:2:1: the line is longer than"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := Read(strings.NewReader(tc.text), "f")
			require.ErrorContains(t, err, tc.want)
			require.Nil(t, got)
		})
	}
}

func TestReadingFails(t *testing.T) {
	for _, text := range []string{"", azure, lengths + "1,2,3\n", windows + "0,1,1,1,1,1\n600,1,1,1,1,1\n", `{"timestamp": 0, "input_length": 1, "output_length": 2}` + "\n"} {
		broken := errors.New("disk on fire")
		_, err := Read(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)), "f")
		require.ErrorIs(t, err, broken, text)
	}
}

func TestOpen(t *testing.T) {
	_, err := Open(filepath.Join(t.TempDir(), "none.csv"))
	require.ErrorIs(t, err, os.ErrNotExist)

	path := filepath.Join(t.TempDir(), "some.csv")
	require.NoError(t, os.WriteFile(path, []byte(lengths+"1,2\n"), 0o600))
	_, err = Open(path)
	require.ErrorContains(t, err, path+":2:4: ")
}

func TestRequestGaps(t *testing.T) {
	arrivals := func(holes map[int]time.Duration) []Request {
		var all []Request
		at := time.Duration(0)
		for i := range 400 {
			at += 2*time.Second + holes[i]
			all = append(all, Request{At: at})
		}
		return all
	}
	require.Empty(t, requestGaps(arrivals(nil)))
	require.Empty(t, requestGaps(arrivals(map[int]time.Duration{200: 50 * time.Second})), "a pause")
	require.Equal(t, []Gap{{400 * time.Second, 702 * time.Second, "no request, where one came every 2s before and after"}},
		requestGaps(arrivals(map[int]time.Duration{200: 300 * time.Second})))
	require.Len(t, requestGaps(arrivals(map[int]time.Duration{0: time.Hour, 100: time.Hour, 399: time.Hour})), 2,
		"a silence before the first request is none, and one before the last is")
}

func TestCoversRequests(t *testing.T) {
	tr := &Trace{Name: "f"}
	for i := range 61 {
		tr.Requests = append(tr.Requests, Request{At: time.Duration(i) * time.Minute})
	}
	require.NoError(t, tr.Covers(time.Hour+20*time.Minute))
	require.Error(t, tr.Covers(time.Hour+21*time.Minute))
	require.Error(t, (&Trace{}).Covers(time.Second))
}

// TestPublished reads the published files where they are.
func TestPublished(t *testing.T) {
	dir := os.Getenv("BACKTEST_TRACES")
	if dir == "" {
		t.Skip("BACKTEST_TRACES does not name a folder of published traces")
	}
	azure, err := Open(filepath.Join(dir, "azure-2023-conversation.csv"))
	require.NoError(t, err)
	require.Len(t, azure.Requests, 19366)
	require.InDelta(t, 58, azure.End().Minutes(), 1)
	require.Empty(t, azure.Gaps)

	for name, gaps := range map[string]bool{"servegen-m-large.csv": false, "servegen-m-mid.csv": true} {
		got, err := Open(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Len(t, got.Windows, 2016)
		require.Equal(t, 14*24*time.Hour, got.End())
		require.Equal(t, gaps, len(got.Gaps) > 0)
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{
		azure + "2023-11-16 18:15:46.6805900,374,44\n", lengths + "1,2,3\n4.5,6,7", windows + "0,1,1,1,1,1\n600,0,0,,,\n",
		`{"timestamp": 0, "input_length": 1, "output_length": 2}` + "\n", "", "\n", "\ufeff",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Read(strings.NewReader(text), "f")
		if err != nil {
			var place *Error
			require.ErrorAs(t, err, &place)
			require.Positive(t, place.Line)
			require.Positive(t, place.Column)
			return
		}
		require.NotEqual(t, len(got.Requests) == 0, len(got.Windows) == 0)
		for i, r := range got.Requests {
			require.True(t, r.Input >= 0 && r.Output >= 0 && r.At >= 0)
			require.True(t, i == 0 || r.At >= got.Requests[i-1].At)
		}
		for _, w := range got.Windows {
			require.True(t, w.Rate >= 0 && w.Burstiness > 0 && w.Input >= 0 && w.Output >= 0)
		}
		require.Equal(t, len(got.Windows) > 0, got.Every > 0)
		require.GreaterOrEqual(t, got.End(), time.Duration(0))
	})
}
