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
		from, err := os.Open(file)
		if err != nil {
			return nil, file, err
		}
		defer from.Close() //nolint:errcheck // it was only read
		data, err = readBounded(from)
		return data, file, err
	}
	if data, err = readBounded(stdin); err != nil {
		return nil, stdinName, fmt.Errorf("read %s: %w", stdinName, err)
	}
	return data, stdinName, nil
}

// maxInput bounds what is read of an input, which may be a pipe or a device that never ends.
const maxInput = 256 << 20

func readBounded(from io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(from, maxInput+1))
	if err == nil && len(data) > maxInput {
		err = fmt.Errorf("larger than %d bytes", maxInput)
	}
	return data, err
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
