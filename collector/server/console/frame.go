package console

import (
	"cmp"
	"net/url"
	"time"

	"github.com/variant-exporter/variant-exporter/collector/explain"
	"github.com/variant-exporter/variant-exporter/collector/past"
)

// Frame is what surrounds a page: where it is, which moment it shows and how that moment is.
type Frame struct {
	Title   string
	Page    string // of the navigation
	Version string
	Links   []Link

	At       string    // the moment as it was asked for; empty for the present
	Range    string    // how far is looked back, as it was asked for; empty for the default
	Span     string    // how far is looked back
	Ranges   []string  // how far may be looked back; empty where the page does not look back
	Shown    time.Time // the moment that is shown
	Took     float64   // seconds of the evaluation
	Refresh  int       // seconds until a page of the present is out of date; 0 for none
	Hidden   []Link    // what the form of the time keeps of the address: names and values
	Severity explain.Severity
	Summary  string
	Refused  string // why the file on disk is not in force; empty where it is
}

// Look is what a request asked for, and what each page says whatever that is.
type Look struct {
	At    string     // as in the address; empty for the present
	Range past.Range // how far is looked back
	Asked bool       // whether the range stands in the address

	Refused string // why the file on disk is not in force; empty where it is
}

// newFrame is the frame of a page about an explanation.
func (c *Console) newFrame(title, page string, l Look, e *explain.Explanation) Frame {
	f := c.frame
	f.Title, f.Page, f.At, f.Refused = title, page, l.At, l.Refused
	if l.Asked {
		f.Range = l.Range.Name
	}
	if e != nil {
		f.Severity, f.Summary = e.Summary()
		f.Shown, f.Took = e.Time, e.Duration
		if l.At == "" {
			f.Refresh = int(past.Interval.Seconds())
		}
	}
	return f
}

// lookingBack offers how far to look back.
func (f *Frame) lookingBack(l Look) {
	f.Span = l.Range.Name
	for _, r := range past.Ranges() {
		f.Ranges = append(f.Ranges, r.Name)
	}
}

// To is the address of a page at the same moment, with more parameters as names and values.
func (f *Frame) To(page string, pairs ...string) string {
	query := url.Values{}
	if f.At != "" {
		query.Set("at", f.At)
	}
	if f.Range != "" {
		query.Set("range", f.Range)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
	}
	page = cmp.Or(page, "./")
	if len(query) == 0 {
		return page
	}
	return page + "?" + query.Encode()
}

// ToAt is the address of the page at another moment.
func (f *Frame) ToAt(at time.Time, page string, pairs ...string) string {
	return f.To(page, append(pairs, "at", at.UTC().Format(time.RFC3339))...)
}

// Now is the address of the page at the present.
func (f *Frame) Now() string {
	query := url.Values{}
	if f.Range != "" {
		query.Set("range", f.Range)
	}
	for _, l := range f.Hidden {
		query.Set(l.Address, l.Text)
	}
	page := cmp.Or(f.Page, "./")
	if len(query) == 0 {
		return page
	}
	return page + "?" + query.Encode()
}
