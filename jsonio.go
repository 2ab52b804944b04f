package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// stdinName is what standard input is called in errors.
const stdinName = "standard input"

// readInput reads a file, or standard input where the argument was -, which kingpin hands on as an empty one. It returns the name
// of what it has read for use in errors.
func readInput(file string, stdin io.Reader) (data []byte, name string, err error) {
	if file != "" {
		data, err = os.ReadFile(file)
		return data, file, err
	}
	if data, err = io.ReadAll(stdin); err != nil {
		return nil, stdinName, fmt.Errorf("read %s: %w", stdinName, err)
	}
	return data, stdinName, nil
}

// writeJSON writes an answer, indented for people.
func writeJSON(w io.Writer, answer any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(answer)
}
