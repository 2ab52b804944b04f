package scenario

import (
	"fmt"
	"strconv"
)

// What says what the event is, for people.
func (e *Event) What() string {
	name, _ := e.variant()
	switch {
	case e.Prometheus != "":
		return "Prometheus is " + string(e.Prometheus)
	case e.Store != nil:
		return fmt.Sprintf("the store loses %s %% of the series", plain(100*e.Store.Lose))
	case e.Unready != nil:
		return "replicas of " + name + " are not ready"
	case e.Crash != nil:
		return "servers of " + name + " restart"
	case e.Pool != "":
		return "the pool " + e.Pool + " has " + e.poolSize()
	case !e.Series.IsZero():
		return "the series " + e.Series.String() + " " + e.seriesChange()
	case e.Rollout != "" && e.Broken:
		return "a roll-out of " + name + ", which never becomes ready"
	case e.Rollout != "":
		return "a roll-out of " + name
	case e.AutoscalerStops != "":
		return "the autoscaler of " + name + " stops"
	case e.ScrapeFails != nil:
		return "pods of " + name + " cannot be scraped"
	case e.Scraped != nil:
		return fmt.Sprintf("pods of %s are scraped %d times", name, e.Scraped.Times)
	case e.Slow != nil:
		return "servers of " + name + " take " + plain(e.Slow.By) + " times as long"
	}
	return ""
}

// poolSize is the size that a pool gets.
func (e *Event) poolSize() string {
	if e.Accelerators == nil {
		return "another size"
	}
	return fmt.Sprintf("%d accelerators", *e.Accelerators)
}

// seriesChange is what happens to series.
func (e *Event) seriesChange() string {
	switch {
	case e.Set != nil:
		return "are set to " + plain(*e.Set)
	case e.Scale != nil:
		return "are multiplied by " + plain(*e.Scale)
	}
	return "are absent"
}

func plain(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
