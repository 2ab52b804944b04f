package collector_test

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The budgets of a scrape of 1,000 variants are 50 ms on two cores and 60 MB resident; that of 10 variants is 5 ms.
const (
	largeScrape = 50 * time.Millisecond
	smallScrape = 5 * time.Millisecond
	cores       = 2
	coldScrapes = 8
	busyMachine = 3 // halves: what else a machine does adds up to half, as measured; BenchmarkScrape has the figure of a quiet one
	residentKB  = 60_000
)

// TestScrapeTime holds the processor time of a scrape to what two cores have to spend in the budget. The server that answers from
// memory is in it. The time that passes is logged. What else the machine does can only add, by way of caches: the best of ten
// rounds counts. The first scrape has a bound of its own: it reads histories from their beginning, where those after it read the
// last two minutes, and happens once in the life of an exporter.
func TestScrapeTime(t *testing.T) {
	if underRace {
		t.Skip("times mean nothing under the race detector")
	}
	const rounds, scrapes = 10, 5
	for variants, budget := range map[int]time.Duration{12: smallScrape, 1000: largeScrape} {
		s := newScraper(t, variants/variantsPerModel)
		before := processorTime(t)
		_, err := s.scrape(t.Context())
		require.NoError(t, err)
		first := processorTime(t) - before
		fastest, spent := time.Hour, time.Hour
		for range rounds {
			before = processorTime(t)
			for range scrapes {
				begun := time.Now()
				_, err := s.scrape(t.Context())
				require.NoError(t, err)
				fastest = min(fastest, time.Since(begun))
			}
			spent = min(spent, (processorTime(t)-before)/scrapes)
		}
		t.Logf("%d variants: %s of processor time, %s at the fastest; %s for the first", variants, spent, fastest, first)
		limit := cores * budget * busyMachine / 2
		require.Less(t, spent, limit, "%d variants", variants)
		require.Less(t, first, coldScrapes*limit, "%d variants, from the beginning", variants)
	}
}

// scrapeURL tells the process that TestScrapeMemory starts whom to ask.
const scrapeURL = "TEST_SCRAPE_URL"

// TestScrapeMemory measures the most resident memory of a process of its own that scrapes 1,000 variants 30 times, all of it:
// the program, its libraries and those of the test. The server that answers from memory is not in it.
// A loaded machine collects garbage late, which can only add: the best of three processes counts.
func TestScrapeMemory(t *testing.T) {
	if underRace || runtime.GOOS != "linux" {
		t.Skip("memory means nothing under the race detector, and is read from Linux' /proc")
	}
	if url := os.Getenv(scrapeURL); url != "" {
		before := resident(t, "VmRSS")
		s := &scraper{newFleetEvaluator(t, 250, url), scrapeRequest()}
		for range 30 {
			_, err := s.scrape(t.Context())
			require.NoError(t, err)
		}
		t.Logf("peak resident: %d kB, of which before the first scrape: %d kB", resident(t, "VmHWM"), before)
		return
	}
	const limit, processes = residentKB * 3 / 2, 3
	url, peak := newFleetServer(t, 250).URL, limit
	for i := 0; i < processes && peak >= limit; i++ {
		peak = peakOfProcess(t, url)
	}
	require.Less(t, peak, limit, "far above the budget")
}

// peakOfProcess runs TestScrapeMemory in a process of its own.
func peakOfProcess(t *testing.T, url string) int {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestScrapeMemory$", "-test.v")
	cmd.Env = append(os.Environ(), scrapeURL+"="+url)
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Run(), out.String())
	found := regexp.MustCompile(`peak resident: (\d+) kB.*`).FindStringSubmatch(out.String())
	require.Len(t, found, 2, out.String())
	t.Log(found[0])
	peak, err := strconv.Atoi(found[1])
	require.NoError(t, err)
	return peak
}

// resident returns a line of /proc/self/status in kB: VmRSS is what is resident now, VmHWM the most that ever was. Unlike
// getrusage's, they do not count what the parent had resident when it started this process.
func resident(t *testing.T, line string) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	found := regexp.MustCompile(line + `:\s+(\d+) kB`).FindSubmatch(status)
	require.Len(t, found, 2)
	kilobytes, err := strconv.Atoi(string(found[1]))
	require.NoError(t, err)
	return kilobytes
}
