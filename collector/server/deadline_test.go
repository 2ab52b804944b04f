package server

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestBudget(t *testing.T) {
	d := deadlines{offset: 250 * time.Millisecond, limit: 30 * time.Second}
	for _, tc := range []struct {
		name   string
		header string // "absent" sends none
		d      deadlines
		want   time.Duration
	}{
		{"Prometheus' default", "10", d, 9750 * time.Millisecond},
		{"a fraction", "1.5", d, 1250 * time.Millisecond},
		{"in exponent form", "1e1", d, 9750 * time.Millisecond},
		{"no header", "absent", d, 30 * time.Second},
		{"an empty header", "", d, 30 * time.Second},
		{"zero", "0", d, 30 * time.Second},
		{"negative", "-3", d, 30 * time.Second},
		{"NaN", "NaN", d, 30 * time.Second},
		{"infinite", "+Inf", d, 30 * time.Second},
		{"more seconds than a duration holds", "1e300", d, 30 * time.Second},
		{"garbage", "10s", d, 30 * time.Second},
		{"longer than the limit", "60", d, 30 * time.Second},
		{"the offset more than the limit", "30.25", d, 30 * time.Second},
		{"the limit", "30", d, 29750 * time.Millisecond},
		{"twice the offset", "0.5", d, 250 * time.Millisecond},
		{"the offset", "0.25", d, 125 * time.Millisecond},
		{"less than the offset", "0.1", d, 50 * time.Millisecond},
		{"less than a nanosecond", "1e-12", d, 1},
		{"no offset", "10", deadlines{limit: time.Minute}, 10 * time.Second},
		{"an offset longer than scrapes", "10", deadlines{offset: time.Minute, limit: time.Minute}, 5 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := http.Header{}
			if tc.header != "absent" {
				h.Set("X-Prometheus-Scrape-Timeout-Seconds", tc.header)
			}
			assert.Equal(t, tc.want, tc.d.budget(h), "budget of %q", tc.header)
		})
	}
}

func FuzzBudget(f *testing.F) {
	for _, seed := range []string{"10", "-0", "nan", "0x1p-2", "1e-300", "9223372036.854775807"} {
		f.Add(seed)
	}
	d := deadlines{offset: 250 * time.Millisecond, limit: 30 * time.Second}
	f.Fuzz(func(t *testing.T, header string) {
		h := http.Header{}
		h.Set("X-Prometheus-Scrape-Timeout-Seconds", header)
		got := d.budget(h)
		assert.Positive(t, got, "budget of %q", header)
		assert.LessOrEqual(t, got, d.limit, "budget of %q", header)
	})
}
