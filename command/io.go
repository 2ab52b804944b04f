package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// stdinName is what standard input is called in errors.
const stdinName = "standard input"

// readInput reads a file. An empty name is standard input: kingpin turns the argument - into it. The name it returns is for errors.
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

// writeFile creates a file and writes it whole.
func writeFile(name string, write func(io.Writer) error) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}
