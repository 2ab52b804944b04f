// Package strictjson decodes JSON strictly: it refuses unknown fields,
// duplicate keys, values of another type, numbers out of range and text after
// the object. An error names the field it is about.
//
// It takes the text and a description of the fields, and writes the values to
// where that description points. The problem of package optimizer and the
// question of package latency are read with it.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// FieldError is a mistake in one field of an input.
type FieldError struct {
	// Path leads to the field, such as models[0].variants[1].cost. It is empty
	// for the input as a whole.
	Path string
	// Reason says what is wrong with its value.
	Reason string
}

// Error returns the path and the reason, or the reason alone if it is about
// the input as a whole.
func (e *FieldError) Error() string {
	if e.Path == "" {
		return e.Reason
	}
	return e.Path + ": " + e.Reason
}

// Read reads the value at a path.
type Read func(path string) error

// Fields says how to read each field of an object.
type Fields map[string]Read

// Decoder reads JSON token by token and knows the path to each value.
type Decoder struct{ json *json.Decoder }

// Decode reads a text that holds one object and nothing else. A mistake in a
// field is a *FieldError.
func Decode(data []byte, fields func(d Decoder) Fields) error {
	d := newDecoder(data)
	if err := d.Object("", fields(d)); err != nil {
		return err
	}
	if _, err := d.json.Token(); !errors.Is(err, io.EOF) {
		return errors.New("text after the object")
	}
	return nil
}

// newDecoder returns a decoder that keeps numbers as they are written.
func newDecoder(data []byte) Decoder {
	d := Decoder{json.NewDecoder(bytes.NewReader(data))}
	d.json.UseNumber()
	return d
}

// Object reads an object that has no other fields than those given.
func (d Decoder) Object(path string, known Fields) error {
	return d.entries(path, known.read)
}

// read reads the value of a field.
func (f Fields) read(path, name string) error {
	read, ok := f[name]
	if !ok {
		return &FieldError{path, "unknown field"}
	}
	return read(path)
}

// entries reads an object and calls read before each of its values.
func (d Decoder) entries(path string, read func(path, name string) error) error {
	if err := d.delimiter(path, '{', "an object"); err != nil {
		return err
	}
	return d.rest(path, read)
}

// rest reads what follows the opening bracket of an object.
func (d Decoder) rest(path string, read func(path, name string) error) error {
	seen := map[string]bool{}
	for d.json.More() {
		token, err := d.next(path)
		if err != nil {
			return err
		}
		name := fmt.Sprint(token)
		under := name
		if path != "" {
			under = path + "." + name
		}
		if seen[name] {
			return &FieldError{under, "duplicate key"}
		}
		seen[name] = true
		if err := read(under, name); err != nil {
			return err
		}
	}
	_, err := d.next(path)
	return err
}

// List returns a reader of an array that reads each of its elements.
func (d Decoder) List(element Read) Read {
	return func(path string) error {
		if err := d.delimiter(path, '[', "a list"); err != nil {
			return err
		}
		for i := 0; d.json.More(); i++ {
			if err := element(path + "[" + strconv.Itoa(i) + "]"); err != nil {
				return err
			}
		}
		_, err := d.next(path)
		return err
	}
}

// next returns the next token.
func (d Decoder) next(path string) (json.Token, error) {
	token, err := d.json.Token()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && path != "" {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return token, err
}

// delimiter reads an opening bracket.
func (d Decoder) delimiter(path string, want json.Delim, what string) error {
	token, err := d.next(path)
	if err != nil {
		return err
	}
	if token != want {
		return &FieldError{path, "must be " + what}
	}
	return nil
}
