package command

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/internal/long"
)

const (
	// containerLimit is the memory of the shipped container, memoryLimit what its GOMEMLIMIT is.
	containerLimit = 256 << 10 // kB
	memoryLimit    = "GOMEMLIMIT=205MiB"
	// hostileLength is above what --query.max-body-bytes allows.
	hostileLength = 17 << 20
)

// hostility writes a kind of hostile answer. At is the time that was asked for, n differs each time.
type hostility func(w http.ResponseWriter, r *http.Request, at string, n int64)

// document wraps what fills the place of the elements of a result, in the type that the query asks for.
func document(w http.ResponseWriter, r *http.Request, fill func(w io.Writer)) {
	kind := "vector"
	if strings.HasSuffix(r.URL.Path, "_range") {
		kind = "matrix"
	}
	fmt.Fprintf(w, `{"status":"success","data":{"resultType":%q,"result":[`, kind)
	fill(w)
	fmt.Fprint(w, `]}}`)
}

// element is one series, with what fills its labels.
func element(r *http.Request, labels, at string) string {
	if strings.HasSuffix(r.URL.Path, "_range") {
		return `{"metric":{"namespace":"ns","model_name":"hostile"` + labels + `},"values":[[` + at + `,"1"]]}`
	}
	return `{"metric":{"namespace":"ns","model_name":"hostile"` + labels + `},"value":[` + at + `,"1"]}`
}

// repeat writes a text so often that length is reached, with sep between.
func repeat(w io.Writer, length int, sep string, text func(i int) string) {
	b := bufio.NewWriterSize(w, 1<<16)
	_, err := b.WriteString(text(0))
	for i, written := 1, 0; written < length && err == nil; i++ {
		var n int
		n, err = b.WriteString(sep + text(i))
		written += n
	}
	_ = b.Flush() // The other side may have had enough.
}

// same is a text that is always the same. Short ones are written many times at once.
func same(text, sep string) func(int) string {
	text += strings.Repeat(sep+text, 4096/len(text))
	return func(int) string { return text }
}

// block is a long text of one letter.
var block = strings.Repeat("x", 64<<10)

// hostilities are the kinds. Lengths just below the largest body that is read hurt most.
var hostilities = map[string]hostility{
	"endless": func(w http.ResponseWriter, r *http.Request, at string, _ int64) {
		document(w, r, func(w io.Writer) { repeat(w, 1<<34, ",", same(element(r, "", at), ",")) })
	},
	"endless in zip": func(w http.ResponseWriter, _ *http.Request, _ string, _ int64) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		repeat(z, 1<<31, "", same(strings.Repeat(" ", 1<<20), ""))
		_ = z.Close()
	},
	"series in zip": func(w http.ResponseWriter, r *http.Request, at string, _ int64) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		fmt.Fprintf(z, `{"status":"success","data":{"resultType":"vector","result":[`)
		repeat(z, hostileLength, ",", func(i int) string { return element(r, fmt.Sprintf(`,"a":"%d"`, i), at) })
		_ = z.Close()
	},
	"tiny series": func(w http.ResponseWriter, r *http.Request, at string, n int64) {
		document(w, r, func(w io.Writer) {
			repeat(w, hostileLength/10*9, ",", func(i int) string { return element(r, fmt.Sprintf(`,"a":"%d"`, int64(i)+n<<20), at) })
		})
	},
	"few series of tiny labels": func(w http.ResponseWriter, r *http.Request, at string, n int64) {
		document(w, r, func(w io.Writer) {
			repeat(w, 4<<20, ",", func(i int) string { return element(r, fmt.Sprintf(`,"a":"%d"`, int64(i)+n<<20), at) })
		})
	},
	"empty series": func(w http.ResponseWriter, r *http.Request, _ string, _ int64) {
		document(w, r, func(w io.Writer) { repeat(w, hostileLength/10*9, ",", same(`{"metric":{}}`, ",")) })
	},
	"deep": func(w http.ResponseWriter, r *http.Request, _ string, _ int64) {
		document(w, r, func(w io.Writer) { repeat(w, hostileLength/10*9, "", same(strings.Repeat("[", 1<<10), "")) })
	},
	"deep beside": func(w http.ResponseWriter, _ *http.Request, _ string, _ int64) {
		fmt.Fprint(w, `{"stats":`)
		repeat(w, hostileLength/10*9, "", same(strings.Repeat(`{"a":`, 1<<10), ""))
	},
	"much beside": func(w http.ResponseWriter, r *http.Request, _ string, _ int64) {
		fmt.Fprint(w, `{"stats":[`)
		repeat(w, hostileLength/10*9, ",", same("0", ","))
		fmt.Fprint(w, `],`)
		document(w, r, func(io.Writer) {})
	},
	"long labels": func(w http.ResponseWriter, r *http.Request, at string, n int64) {
		document(w, r, func(w io.Writer) {
			repeat(w, hostileLength/10*9, ",", func(i int) string {
				return element(r, fmt.Sprintf(`,"a":"%d%d%s%s"`, n, i, block, block), at)
			})
		})
	},
	"few long labels": func(w http.ResponseWriter, r *http.Request, at string, n int64) {
		document(w, r, func(w io.Writer) {
			repeat(w, 3<<20, ",", func(i int) string { return element(r, fmt.Sprintf(`,"a":"%d%d%s"`, n, i, block), at) })
		})
	},
	"long model name": func(w http.ResponseWriter, r *http.Request, at string, n int64) {
		document(w, r, func(w io.Writer) {
			repeat(w, 3<<20, ",", func(i int) string {
				return fmt.Sprintf(`{"metric":{"namespace":"ns","model_name":"%d%d%s"},"value":[%s,"1"]}`, n, i, block, at)
			})
		})
	},
	"many labels": func(w http.ResponseWriter, r *http.Request, at string, _ int64) {
		document(w, r, func(w io.Writer) {
			fmt.Fprint(w, `{"metric":{`)
			repeat(w, hostileLength/10*9, ",", func(i int) string { return fmt.Sprintf(`"l%d":""`, i) })
			fmt.Fprintf(w, `},"value":[%s,"1"]}`, at)
		})
	},
	"escaped labels": func(w http.ResponseWriter, r *http.Request, at string, _ int64) {
		document(w, r, func(w io.Writer) {
			repeat(w, hostileLength/10*9, ",", func(i int) string {
				return element(r, fmt.Sprintf(`,"a":"%d\u0000\u001b[31m%s"`, i, strings.Repeat(`\n\u00e9`, 100)), at)
			})
		})
	},
	"duplicate keys": func(w http.ResponseWriter, r *http.Request, at string, _ int64) {
		document(w, r, func(w io.Writer) { repeat(w, 1<<20, ",", same(element(r, `,"namespace":"ns"`, at), ",")) })
	},
	"duplicate series": func(w http.ResponseWriter, r *http.Request, at string, _ int64) {
		document(w, r, func(w io.Writer) { repeat(w, hostileLength/10*9, ",", same(element(r, "", at), ",")) })
	},
	"many samples": func(w http.ResponseWriter, r *http.Request, _ string, _ int64) {
		document(w, r, func(w io.Writer) {
			fmt.Fprint(w, `{"metric":{},"values":[`)
			repeat(w, hostileLength/10*9, ",", func(i int) string { return fmt.Sprintf(`[%d,"1"]`, i) })
			fmt.Fprint(w, `]}`)
		})
	},
	"many warnings": func(w http.ResponseWriter, r *http.Request, _ string, _ int64) {
		fmt.Fprint(w, `{"warnings":[`)
		repeat(w, hostileLength/10*9, ",", same(`""`, ","))
		fmt.Fprint(w, `],`)
		document(w, r, func(io.Writer) {})
	},
	"long texts": func(w http.ResponseWriter, _ *http.Request, _ string, _ int64) {
		fmt.Fprint(w, `{"status":"`)
		repeat(w, hostileLength/10*9, "", same(block, ""))
		fmt.Fprint(w, `","errorType":"x","error":"x"}`)
	},
	"long value": func(w http.ResponseWriter, r *http.Request, at string, _ int64) {
		document(w, r, func(w io.Writer) {
			fmt.Fprintf(w, `{"metric":{},"value":[%s,"`, at)
			repeat(w, hostileLength/10*9, "", same(strings.Repeat("1", 1<<10), ""))
			fmt.Fprint(w, `"]}`)
		})
	},
	"buckets": func(w http.ResponseWriter, r *http.Request, at string, _ int64) {
		document(w, r, func(w io.Writer) {
			fmt.Fprintf(w, `{"metric":{},"histogram":[%s,{"count":"1","sum":"1","buckets":[`, at)
			repeat(w, hostileLength/10*9, ",", same(`[0,"0","1","1"]`, ","))
			fmt.Fprint(w, `]}]}`)
		})
	},
	"long error": func(w http.ResponseWriter, _ *http.Request, _ string, _ int64) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"status":"error","errorType":"bad_data","error":"`)
		repeat(w, hostileLength/10*9, "", same(strings.Repeat(`\u001b[2J\n`, 1000), ""))
		fmt.Fprint(w, `"}`)
	},
	"long headers": func(w http.ResponseWriter, r *http.Request, _ string, _ int64) {
		for i := range 120 {
			w.Header().Set(fmt.Sprintf("X-%d", i), block)
		}
		document(w, r, func(io.Writer) {})
	},
	"white space": func(w http.ResponseWriter, r *http.Request, _ string, _ int64) {
		repeat(w, hostileLength/10*9, "", same(strings.Repeat(" \n", 1<<10), ""))
		document(w, r, func(io.Writer) {})
	},
	"drip": func(w http.ResponseWriter, _ *http.Request, _ string, _ int64) {
		for range 600 {
			if _, err := io.WriteString(w, "{"); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
			time.Sleep(20 * time.Millisecond)
		}
	},
	"no answer": func(_ http.ResponseWriter, r *http.Request, _ string, _ int64) { <-r.Context().Done() },
	"cut": func(w http.ResponseWriter, r *http.Request, _ string, _ int64) {
		w.Header().Set("Content-Length", "1000000")
		document(w, r, func(io.Writer) {})
	},
	"redirects": func(w http.ResponseWriter, r *http.Request, _ string, _ int64) {
		http.Redirect(w, r, r.URL.Path+"?"+strings.Repeat("x", 1<<19), http.StatusTemporaryRedirect)
	},
	"wrong type": func(w http.ResponseWriter, _ *http.Request, at string, _ int64) {
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"scalar","result":[%s,"1"]}}`, at)
	},
	"null":   func(w http.ResponseWriter, _ *http.Request, _ string, _ int64) { fmt.Fprint(w, `null`) },
	"a page": func(w http.ResponseWriter, _ *http.Request, _ string, _ int64) { fmt.Fprint(w, `<html>Login</html>`) },
	"NaN": func(w http.ResponseWriter, r *http.Request, at string, _ int64) {
		document(w, r, func(w io.Writer) {
			fmt.Fprintf(w, `{"metric":{"namespace":"ns","model_name":"hostile"},"value":[%s,"NaN"]}`, at)
		})
	},
	"not UTF-8": func(w http.ResponseWriter, r *http.Request, at string, _ int64) {
		document(w, r, func(w io.Writer) { fmt.Fprintf(w, "{\"metric\":{\"a\":\"\xff\xfe\"},\"value\":[%s,\"1\"]}", at) })
	},
}

// newHostilePrometheus answers a calm query well, and others as the kind at hand does.
func newHostilePrometheus(t *testing.T, kind *atomic.Pointer[hostility]) string {
	var n atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at := r.FormValue("time")
		if at == "" {
			at = r.FormValue("start")
		}
		if query := r.FormValue("query"); strings.Contains(query, "hostile") && !strings.Contains(query, "calm") {
			(*kind.Load())(w, r, at, n.Add(1))
			return
		}
		document(w, r, func(w io.Writer) {
			if strings.Contains(r.FormValue("query"), "calm") {
				fmt.Fprint(w, strings.NewReplacer("hostile", "calm", `"1"`, `"25"`).Replace(element(r, "", at)))
			}
		})
	}))
	t.Cleanup(server.CloseClientConnections)
	t.Cleanup(server.Close)
	return server.URL
}

// TestHostileAnswers scrapes the built program, with the memory limit that the manifests set, while a source answers in hostile ways, one
// after the other in one process. It holds that the program lives within the memory of its container, and that another model keeps its
// number.
func TestHostileAnswers(t *testing.T) {
	long.Test(t)
	if underRaceDetector() || runtime.GOOS != "linux" {
		t.Skip("reads the memory of the program from Linux' /proc")
	}
	var kind atomic.Pointer[hostility]
	first := hostilities["null"]
	kind.Store(&first)
	fleet, err := os.ReadFile("../collector/testdata/hostile.yml")
	require.NoError(t, err)
	file := write(t, filepath.Join(t.TempDir(), "variant_exporter.yml"), "prometheus: {url: '"+newHostilePrometheus(t, &kind)+"'}\n"+string(fleet))
	t.Setenv("GOMEMLIMIT", strings.TrimPrefix(memoryLimit, "GOMEMLIMIT="))
	exp := startExporter(t, build(t), file, "--query.timeout=2s", "--scrape.max-timeout=4s")
	for _, name := range slices.Sorted(maps.Keys(hostilities)) {
		t.Run(name, func(t *testing.T) {
			hostile := hostilities[name]
			kind.Store(&hostile)
			exp.forgetPeak(t)
			start := time.Now()
			for range 2 {
				exp.answers(t)
			}
			peak := exp.memory(t, "VmHWM")
			assert.LessOrEqual(t, peak, containerLimit, "kB")
			t.Logf("peak %d MB, after it %d MB, in %s", peak>>10, exp.memory(t, "VmRSS")>>10, time.Since(start))
		})
	}
}

// answers holds that pages are shown, that the calm model has its number, and that the hostile one has none. On a busy machine an evaluation
// may run out of its time, so one look without an answer is no failure.
func (e *exporter) answers(t *testing.T) {
	t.Helper()
	for _, page := range []string{"/", "/inputs", "/api/v1/history?range=1h"} {
		eventually(t, page+" is shown", func() bool {
			status, _ := get(t, e.url+page)
			return status == http.StatusOK
		})
	}
	eventually(t, "the calm model has its number", func() bool {
		_, body := get(t, e.url+"/metrics")
		assert.NotContains(t, body, `variant_desired_replicas{model="hostile"`)
		return strings.Contains(body, calmNumber)
	})
}

// calmNumber is what the calm model is to have while others are hostile.
const calmNumber = `variant_desired_replicas{model="calm",target_namespace="ns",variant="calm"} 3`

// build makes the program as it is shipped: a test binary, which is the program elsewhere in these tests, takes 40 MB more.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "variant_exporter")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "..").CombinedOutput()
	require.NoError(t, err, "go build\n%s", out)
	return binary
}

// memory is a line of /proc/PID/status, in kB.
func (e *exporter) memory(t *testing.T, line string) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", e.cmd.Process.Pid))
	require.NoError(t, err)
	found := regexp.MustCompile(line + `:\s+(\d+) kB`).FindSubmatch(status)
	require.NotNil(t, found, "the process has ended, and said:\n%s", e.log)
	kilobytes, err := strconv.Atoi(string(found[1]))
	require.NoError(t, err)
	return kilobytes
}

// forgetPeak begins a new VmHWM.
func (e *exporter) forgetPeak(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", e.cmd.Process.Pid), []byte("5"), 0); err != nil {
		t.Logf("the peak is that of all kinds until now: %v", err)
	}
}
