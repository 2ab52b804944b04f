package demo

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/variant-exporter/variant-exporter/backtest/scenario"
	"github.com/variant-exporter/variant-exporter/collector/config"
)

// introduction says what is seen. Lines have at most 80 characters.
func introduction(url string, s *scenario.Scenario, c *config.Config) string {
	var b strings.Builder
	fmt.Fprintf(&b, "The exporter, planning for a simulated fleet: %s\n\n", url)
	fmt.Fprintf(&b, "A day of two models, under the exporter and under five other ways of scaling.\n")
	fmt.Fprintf(&b, "All get the same requests. Each model can run on a large accelerator (h100),\n")
	fmt.Fprintf(&b, "which serves a request for less, and on a small one, which is enough at night:\n\n")
	for i := range s.Variants {
		v := &s.Variants[i]
		fmt.Fprintf(&b, "  %-10s %6.2f per hour, ready %s after it is ordered\n", v.Name, v.Cost, time.Duration(v.Startup))
	}
	fmt.Fprintf(&b, `
variant_exporter, wva-tokens       all variants of a model, in a changing mix
static                             the same mix all day
rate-last, keda-queue, hpa-queue   one variant for each model, which serves a
                                   request for the least: %s

in time   share of requests whose first token and pace were within the targets
cost      so far; of everything ordered until it is gone
cost/h    cost of what is ordered now
replicas  ready, and +N that start
`, strings.Join(cheapest(c), ", "))
	return b.String()
}

// cheapest are the variants that serve a request of their model for the least. Autoscalers that know one variant get these.
func cheapest(c *config.Config) []string {
	var names []string
	for i := range c.Models {
		name, least := "", math.Inf(1)
		for _, v := range c.Models[i].Variants {
			if price := v.Cost.Number / v.Capacity["rate"].Number; price < least {
				name, least = v.Name, price
			}
		}
		names = append(names, name)
	}
	return names
}

// picture is one moment of all fleets.
func (d *Demo) picture() string {
	all := d.status()
	var b strings.Builder
	into := d.into()
	fmt.Fprintf(&b, "\n%02d:%02d ", int(into.Hours()), int(into.Minutes())%60)
	for i := range d.scenario.Models {
		fmt.Fprintf(&b, "  %s %.1f requests/s", d.scenario.Models[i].ServedName(), all[0].Models[i].Rate)
	}
	fmt.Fprintf(&b, "\n%-16s %8s %7s %6s", "", "in time", "cost", "cost/h")
	for _, v := range all[0].Variants {
		fmt.Fprintf(&b, " %9s", v.Name)
	}
	b.WriteString("\n")
	for _, s := range all {
		fmt.Fprintf(&b, "%-16s %8s %7.2f %6.2f", s.name, percent(s.InTime), s.Cost, s.PerHour)
		for _, v := range s.Variants {
			text := strconv.Itoa(v.Ready)
			if v.Starting > 0 {
				text += fmt.Sprintf("+%d", v.Starting)
			}
			fmt.Fprintf(&b, " %9s", text)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// percent never rounds a miss up to 100 %.
func percent(share float64) string { return fmt.Sprintf("%.2f %%", math.Floor(share*1e4+1e-6)/100) }

// enough is the share of requests in time from which on policies are compared by cost.
const enough = 0.99

// summary says what the day came to, who was better at what, and what to do next. served says where pages go on being served; empty for
// nowhere.
func summary(into time.Duration, all []standing, served string) string {
	var b strings.Builder
	ours := all[0]
	fmt.Fprintf(&b, "\nAfter %.0f hours and %.0f requests:\n\n", into.Hours(), ours.Requests)
	fmt.Fprintf(&b, "%-16s %8s %8s   %s\n", "", "in time", "cost", "compared with variant_exporter")
	for _, s := range all {
		fmt.Fprintf(&b, "%-16s %8s %8.2f   %s\n", s.name, percent(s.InTime), s.Cost, compared(s, ours))
	}
	b.WriteString("\n" + verdict(all))
	b.WriteString(`
static knows the busiest minute in advance, rate-last the true capacity of a
replica. The others follow the published defaults of their guides, which are
meant to be tuned. One day of one made-up fleet proves little. Check it:

  mkdir day && variant_exporter demo --files=day
  variant_exporter backtest --scenario=day/day.yml \
    --config.file=day/day.conf.yml --seeds=10 \
    --policy=variant_exporter --policy=static --policy=rate-last

Then with a week of your own: variant_exporter replay --help
`)
	if served != "" {
		b.WriteString(served)
	} else {
		b.WriteString("The pages end with the day: variant_exporter demo --keep goes on serving them.\n")
	}
	return b.String()
}

// compared says how another policy did.
func compared(s, ours standing) string {
	if s.name == ours.name || ours.Cost <= 0 {
		return ""
	}
	by := s.Cost/ours.Cost - 1
	text := fmt.Sprintf("%.0f %% dearer", 100*by)
	if by < 0 {
		text = fmt.Sprintf("%.0f %% cheaper", -100*by)
	}
	points := 100 * (s.InTime - ours.InTime)
	switch {
	case points < -0.005:
		return text + fmt.Sprintf(", %.2f points less in time", -points)
	case points > 0.005:
		return text + fmt.Sprintf(", %.2f points more in time", points)
	}
	return text + ", as much in time"
}

// verdict compares the cost of those that serve well enough.
func verdict(all []standing) string {
	ours := all[0]
	if ours.InTime < enough {
		return fmt.Sprintf("variant_exporter served less than %.0f %% in time: cost alone says nothing.\n", 100*enough)
	}
	var best *standing
	for i := range all[1:] {
		if s := &all[1+i]; s.InTime >= enough && (best == nil || s.Cost < best.Cost) {
			best = s
		}
	}
	switch {
	case best == nil:
		return fmt.Sprintf("No other reached %.0f %% in time.\n", 100*enough)
	case best.Cost < ours.Cost:
		return fmt.Sprintf("Of those with %.0f %% in time, %s costs least: %.1f %% less than\nvariant_exporter.\n",
			100*enough, best.name, 100*(1-best.Cost/ours.Cost))
	}
	return fmt.Sprintf("Of those with %.0f %% in time, variant_exporter costs least: %.1f %% less than\n%s, the next.\n",
		100*enough, 100*(1-ours.Cost/best.Cost), best.name)
}

// screen writes one picture after another: over the last one on a terminal, below it elsewhere.
type screen struct {
	out         io.Writer
	interactive bool
	lines       int // of the last picture
}

func (s *screen) show(picture string) {
	if s.interactive && s.lines > 0 {
		fmt.Fprintf(s.out, "\x1b[%dA\x1b[J", s.lines)
	}
	fmt.Fprint(s.out, picture)
	s.lines = strings.Count(picture, "\n")
}
