package engines_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// gauges are what the exporter tells of variants, models and budgets, by name and labels.
type gauges map[string]float64

// scrape reads the gauges that are there.
func scrape(ctx context.Context, url string) (gauges, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("scrape: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10)) // only to tell of it
		return nil, fmt.Errorf("scrape: %s: %s", response.Status, said)
	}
	read := gauges{}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		name, text, found := cutLast(lines.Text())
		if !found || !strings.HasPrefix(name, "variant_") || strings.HasPrefix(name, "variant_exporter_") {
			continue
		}
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("scrape: %q: %w", lines.Text(), err)
		}
		read[name] = value
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("scrape: %w", err)
	}
	return read, nil
}

// cutLast cuts a line of the text format into the series and its value.
func cutLast(line string) (series, value string, found bool) {
	i := strings.LastIndexByte(line, ' ')
	if i < 0 {
		return "", "", false
	}
	return line[:i], line[i+1:], true
}

// desired are the replicas to scale to, which are absent where autoscalers shall hold.
func (g gauges) desired() gauges { return g.of("variant_desired_replicas") }

// of returns the gauges of one name.
func (g gauges) of(name string) gauges {
	some := gauges{}
	for series, value := range g {
		if strings.HasPrefix(series, name+"{") {
			some[series] = value
		}
	}
	return some
}

// measured are quantities that may rest on rates. All others are equal, or they are not.
func measured(series string) bool {
	for _, name := range []string{"variant_model_", "variant_replica_capacity", "variant_profile_correction_ratio"} {
		if strings.HasPrefix(series, name) {
			return true
		}
	}
	return false
}

// differences says where gauges are not those that are wanted, within a relative bound for what is measured.
func (g gauges) differences(want gauges, bound float64) []string {
	var all []string
	for _, series := range slices.Sorted(maps.Keys(want)) {
		got, found := g[series]
		switch wanted := want[series]; {
		case !found:
			all = append(all, fmt.Sprintf("%s: absent, want %g", series, wanted))
		case measured(series) && math.Abs(got-wanted) <= bound*math.Abs(wanted):
		case got != wanted:
			all = append(all, fmt.Sprintf("%s: %g, want %g", series, got, wanted))
		}
	}
	for _, series := range slices.Sorted(maps.Keys(g)) {
		if _, found := want[series]; !found {
			all = append(all, fmt.Sprintf("%s: %g, want none", series, g[series]))
		}
	}
	return all
}

// lower says which gauges are below what they were. One that is absent is not.
func (g gauges) lower(before gauges) []string {
	var all []string
	for _, series := range slices.Sorted(maps.Keys(g)) {
		if was, found := before[series]; found && g[series] < was {
			all = append(all, fmt.Sprintf("%s: %g, was %g", series, g[series], was))
		}
	}
	return all
}
