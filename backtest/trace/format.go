package trace

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

type reader func(*lines, string, *Trace) error

// The headers that are known. Names count without their case: published copies differ in it.
func headers() map[string]reader {
	return map[string]reader{
		"timestamp,contexttokens,generatedtokens":                                                   readRequests,
		"timestamp,input_length,output_length":                                                      readRequests,
		"t_seconds,req_per_s,active_clients,rate_weighted_cv2,mean_input_tokens,mean_output_tokens": readWindows,
	}
}

// format returns the reader of the format that a first line belongs to.
func format(first string) (reader, error) {
	if strings.HasPrefix(first, "{") {
		return readJSONLines, nil
	}
	known := headers()
	if r, ok := known[strings.Join(columns(first), ",")]; ok {
		return r, nil
	}
	if first[0] >= '0' && first[0] <= '9' {
		return nil, errors.New("the header is missing: the first line has to name the columns")
	}
	var names []string
	for n := range known {
		names = append(names, n)
	}
	slices.Sort(names)
	return nil, fmt.Errorf("an unknown header: expected one of %s, or JSON lines with timestamp, input_length and output_length",
		strings.Join(names, "; "))
}

// columns returns the names in a header. A byte order mark is no part of the first.
func columns(header string) []string {
	names := split(strings.ToLower(strings.TrimPrefix(header, "\ufeff")))
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	return names
}
