package past

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// ParseTime reads a time: RFC 3339, seconds since the epoch, a duration before now with or without a minus, or the word now.
func ParseTime(text string, now time.Time) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	if text == "now" {
		return now, nil
	}
	if ago, err := model.ParseDuration(strings.TrimPrefix(text, "-")); err == nil {
		return now.Add(-time.Duration(ago)), nil
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || !(math.Abs(seconds) < maxUnixSeconds) {
		return time.Time{}, fmt.Errorf("%.60q is neither a time such as 2026-11-02T15:04:05Z or 1793631845 nor how long ago, such as 7d", text)
	}
	return time.UnixMilli(int64(math.Round(seconds * 1000))).UTC(), nil
}

// maxUnixSeconds is the end of the year 9999, beyond which RFC 3339 has no times.
const maxUnixSeconds = 253402300800
