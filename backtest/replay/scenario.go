package replay

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// The load of a scenario is written as the means of windows, which are no shorter than this and no more than so many.
const (
	shortestWindow = 5 * time.Minute
	mostWindows    = 2500
)

const rateUnit = "requests per second"

// WriteScenario writes the history as a scenario for backtest: what came, and the variants as the configuration has them. What the
// history does not say is named at the top, and missing below, so that backtest asks for it. Arrivals, by model, count for models that
// are planned by no signal in requests per second; they may be nil.
func WriteScenario(w io.Writer, r *Result, c *config.Config, arrivals []Arrivals) error {
	s := &scenarioText{result: r}
	for i := range r.Models {
		var came Arrivals
		if arrivals != nil {
			came = arrivals[i]
		}
		if err := s.model(&r.Models[i], &c.Models[i], &came); err != nil {
			return fmt.Errorf("write a scenario: %w", err)
		}
	}
	_, err := io.WriteString(w, s.String())
	return err
}

type scenarioText struct {
	result                        *Result
	models, load, pools, variants strings.Builder
	missing                       []string
}

func (s *scenarioText) model(m *Model, c *config.Model, came *Arrivals) error {
	id := m.Namespace + "/" + m.Name
	rates := came.Rate
	if rate := slices.IndexFunc(m.Signals, func(x Signal) bool { return x.Unit == rateUnit }); rate >= 0 {
		rates = m.Signals[rate].Demand
	}
	if rates == nil {
		return fmt.Errorf("%s is planned by no signal in %s, and no preset of it tells how many requests came: "+
			"give the model the preset of its server or gateway, or a signal of your own in this unit", id, rateUnit)
	}
	points, unknown, err := s.windows(rates)
	if err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	if unknown > 0 {
		s.miss("the load of %s is not known of %d of %d steps; the rate before goes on in them", id, unknown, s.result.Steps)
	}
	slo := ""
	if c.SLO != nil {
		var targets []string
		for name, v := range map[string]config.Seconds{"ttft": c.SLO.TTFT, "itl": c.SLO.ITL} {
			if v > 0 {
				targets = append(targets, name+": "+milliseconds(v))
			}
		}
		slices.Sort(targets)
		slo = ", slo: {" + strings.Join(targets, ", ") + "}"
	} else {
		s.miss("slo of %s: the targets that a request is held to", id)
	}
	fmt.Fprintf(&s.models, "  - {model: %s%s}\n", strconv.Quote(id), slo)
	lengths := s.lengths(id, came)
	s.miss("burstiness of %s, if its arrivals are no Poisson process: a history of rates does not say it", id)
	fmt.Fprintf(&s.load, "  - {model: %s, shape: steps, points: {%s}%s}\n", strconv.Quote(id), strings.Join(points, ", "), lengths)
	for i := range m.Variants {
		s.variant(&m.Variants[i], &c.Variants[i], c)
	}
	return nil
}

// lengths are those of the requests, as far as they are known.
func (s *scenarioText) lengths(id string, came *Arrivals) string {
	var b strings.Builder
	for _, l := range []struct {
		key string
		Length
	}{{"input_tokens", came.Input}, {"output_tokens", came.Output}} {
		switch {
		case l.Mean <= 0:
			s.miss("%s of %s: a mean length, or {mean: 800, cv: 1}", l.key, id)
		case l.CV < 0:
			s.miss("cv of %s of %s: how much the lengths vary; without it all are alike", l.key, id)
			fmt.Fprintf(&b, ", %s: %s", l.key, short(l.Mean))
		default:
			fmt.Fprintf(&b, ", %s: {mean: %s, cv: %s}", l.key, short(l.Mean), short(l.CV))
		}
	}
	return b.String()
}

// windows returns the mean of each window as a point, and how many steps are not known. A window of which nothing is known has no point,
// so that the one before it goes on: what is not known is not quiet.
func (s *scenarioText) windows(demand []*float64) (points []string, unknown int, err error) {
	step := time.Duration(s.result.StepSeconds * float64(time.Second))
	each := max(1, int((shortestWindow+step-1)/step), (len(demand)+mostWindows-1)/mostWindows)
	for from := 0; from < len(demand); from += each {
		sum, n := 0.0, 0
		for _, v := range demand[from:min(from+each, len(demand))] {
			if v == nil {
				unknown++
				continue
			}
			sum += *v
			n++
		}
		if n > 0 {
			at := time.Duration(from) * step
			points = append(points, fmt.Sprintf("%ds: %s", int(at.Seconds()), short(sum/float64(n))))
		}
	}
	if len(points) == 0 {
		return nil, unknown, errors.New("nothing is known of its load")
	}
	return points, unknown, nil
}

func (s *scenarioText) variant(v *Variant, c *config.Variant, m *config.Model) {
	id := m.Namespace + "/" + v.Name
	first, largest := -1, 0
	for _, n := range v.Current {
		if n != nil {
			if first < 0 {
				first = *n
			}
			largest = max(largest, *n)
		}
	}
	room := 4 * max(1, largest)
	if c.Replicas.Max != nil {
		room = max(*c.Replicas.Max, largest)
	}
	fmt.Fprintf(&s.pools, "  %s: %d\n", strconv.Quote(v.Name), room)

	fields := []string{
		"name: " + strconv.Quote(v.Name), "namespace: " + strconv.Quote(m.Namespace), "model: " + strconv.Quote(m.Name),
		"kind: " + string(c.ScaleTarget.Kind), "role: " + string(c.Role), "pool: " + strconv.Quote(v.Name),
	}
	if cost, ok := mean(v.Cost); ok {
		fields = append(fields, "cost: "+short(cost))
	} else {
		s.miss("cost of %s: it was known at no step", id)
	}
	if c.Startup > 0 {
		fields = append(fields, "startup: "+c.Startup.String())
	} else {
		s.miss("startup of %s: how long a replica takes to be ready", id)
	}
	fields = append(fields, "replicas: "+strconv.Itoa(max(0, first)))
	if p := c.Profile; p != nil {
		fields = append(fields, fmt.Sprintf("profile: {alpha: %s, beta: %s, gamma: %s, max_batch: %d}",
			milliseconds(p.Alpha), milliseconds(p.Beta), milliseconds(p.Gamma), p.MaxBatch))
	} else {
		s.miss("profile of %s: how fast a replica is, from variant_exporter calibrate", id)
	}
	fmt.Fprintf(&s.variants, "  - {%s}\n", strings.Join(fields, ", "))
}

func (s *scenarioText) miss(format string, args ...any) {
	s.missing = append(s.missing, fmt.Sprintf(format, args...))
}

// String is the whole file.
func (s *scenarioText) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Made by replay from the history of %s to %s.\n", s.result.From.Format(time.RFC3339), s.result.To.Format(time.RFC3339))
	b.WriteString("# To fill in, or to look at, before it says anything:\n")
	b.WriteString("#   - pools: each variant has one of its own, as large as its maximum, or four times what ran\n")
	for _, m := range s.missing {
		fmt.Fprintf(&b, "#   - %s\n", m)
	}
	fmt.Fprintf(&b, "duration: %ds\n", int(s.result.To.Sub(s.result.From).Seconds()))
	fmt.Fprintf(&b, "models:\n%sload:\n%spools:\n%svariants:\n%s", s.models.String(), s.load.String(), s.pools.String(), s.variants.String())
	return b.String()
}

func mean(values []*float64) (float64, bool) {
	sum, n := 0.0, 0
	for _, v := range values {
		if v != nil {
			sum += *v
			n++
		}
	}
	return sum / float64(max(1, n)), n > 0
}

// short writes a number with four digits.
func short(v float64) string { return strconv.FormatFloat(round(v, 4), 'f', -1, 64) }

// milliseconds writes a time as configurations have it.
func milliseconds(s config.Seconds) string {
	return strconv.FormatFloat(round(1000*float64(s), 9), 'f', -1, 64) + "ms"
}

func round(v float64, digits int) float64 {
	if v == 0 {
		return 0
	}
	scale := math.Pow(10, float64(digits)-math.Ceil(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}
