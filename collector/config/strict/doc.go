// Package strict reads YAML strictly, into Go types, for any format. It finds every mistake at once, each with its place, the line of
// the file and what would be right: unknown and duplicate keys, missing and empty values, wrong types, numbers out of bounds,
// and texts that are not YAML. From the same types and tags it makes the JSON Schema of the format.
//
// A Decoder takes a text. Parse and Decode fill a value; checks of the format's own add remarks with Errorf and Warnf; Remarks returns all
// of them. Snippets leave out what was hidden as secret. The time and memory that a hostile text takes are bounded.
package strict
