package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// question is an input as people write it: JSON, or YAML as a configuration has it.
type question struct {
	json  []byte
	nodes map[string]*yaml.Node // where each field is, by its path; empty where that is not known
}

const (
	maxValues   = 10_000   // of a question, aliases followed
	maxYAMLText = 64 << 20 // of a text that is no JSON
)

var errTooMany = fmt.Errorf("the question has more than %d values", maxValues)

// readQuestion reads JSON, or YAML.
func readQuestion(text []byte) (question, error) {
	q := question{nodes: map[string]*yaml.Node{}}
	isJSON := json.Valid(text)
	if isJSON || len(text) > maxYAMLText {
		q.json = text
	}
	var document yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(text))
	switch err := d.Decode(&document); {
	case isJSON && err != nil, len(text) > maxYAMLText:
		return q, nil //nolint:nilerr // it is JSON, only without places
	case errors.Is(err, io.EOF):
		return q, errors.New("is empty: want profile, input_tokens, output_tokens, and slo or rate, as YAML or JSON")
	case err != nil && bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")):
		return q, json.Unmarshal(text, new(any))
	case err != nil:
		return q, err
	case !isJSON && !errors.Is(d.Decode(new(yaml.Node)), io.EOF):
		return q, errors.New("more than one document: want one question")
	}
	w := &jsonWriter{nodes: q.nodes}
	if err := w.value("", document.Content[0]); err != nil {
		if isJSON {
			return q, nil
		}
		return q, err
	}
	if !isJSON {
		q.json = w.Bytes()
	}
	return q, nil
}

// at is the place of a field: line, column and what parts them from what follows.
func (q *question) at(path string) string {
	if n := q.nodes[path]; n != nil {
		return fmt.Sprintf("%d:%d: ", n.Line, n.Column)
	}
	return " "
}

// jsonWriter writes YAML as JSON. Duplicate keys stay, so that they are found.
type jsonWriter struct {
	bytes.Buffer
	nodes map[string]*yaml.Node
	count int
}

func (w *jsonWriter) value(path string, n *yaml.Node) error {
	if w.count++; w.count > maxValues {
		return errTooMany
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	w.nodes[path] = n
	switch n.Kind { //nolint:exhaustive // what is neither is a scalar
	case yaml.MappingNode:
		return w.list('{', '}', len(n.Content)/2, func(i int) error {
			key := n.Content[2*i].Value
			w.text(key)
			w.WriteByte(':')
			if path != "" {
				key = path + "." + key
			}
			return w.value(key, n.Content[2*i+1])
		})
	case yaml.SequenceNode:
		return w.list('[', ']', len(n.Content), func(i int) error { return w.value(fmt.Sprintf("%s[%d]", path, i), n.Content[i]) })
	}
	w.scalar(n)
	return nil
}

func (w *jsonWriter) list(open, end byte, count int, write func(i int) error) error {
	w.WriteByte(open)
	for i := range count {
		if i > 0 {
			w.WriteByte(',')
		}
		if err := write(i); err != nil {
			return err
		}
	}
	w.WriteByte(end)
	return nil
}

func (w *jsonWriter) text(s string) {
	quoted, _ := json.Marshal(s) // a string always has JSON
	w.Write(quoted)
}

// scalar writes a number as a number, and what JSON has no number for as a text.
func (w *jsonWriter) scalar(n *yaml.Node) {
	switch n.Tag {
	case "!!null", "!!bool":
		var value any
		if n.Decode(&value) == nil {
			fmt.Fprint(w, map[any]string{nil: "null", true: "true", false: "false"}[value])
			return
		}
	case "!!int", "!!float":
		var x float64
		switch {
		case json.Valid([]byte(n.Value)):
			w.WriteString(n.Value)
			return
		case n.Decode(&x) == nil && !math.IsInf(x, 0) && !math.IsNaN(x):
			w.WriteString(strconv.FormatFloat(x, 'g', -1, 64))
			return
		}
	}
	w.text(n.Value)
}
