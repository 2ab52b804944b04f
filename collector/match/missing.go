package match

// Missing says which input has nothing usable, and why. The zero value says that nothing is missing.
type Missing struct {
	Input string // the input's name; empty where the reason says it all
	Why   string // a failure's reason, a bad sample's reason, or a phrase
	More  string // what to do, for people
}

// NoResult is the reason of an answer without anything about a model or variant. It is the one way to be missing that a
// configuration may take for zero or ignore on purpose.
const NoResult = "no result"

// Unusable is the reason of a step at which something was told that cannot be used.
const Unusable = "unusable"

// OK reports whether nothing is missing.
func (m Missing) OK() bool { return m == Missing{} }

// NoResult reports whether the answer holds nothing about the model or variant, and is fine otherwise.
func (m Missing) NoResult() bool { return m.Why == NoResult }

func (m Missing) String() string {
	text := m.Why
	if m.Input != "" {
		text = m.Input + ": " + m.Why
	}
	if m.More != "" {
		text += ": " + m.More
	}
	return text
}

// Or returns the first that is missing.
func (m Missing) Or(other Missing) Missing {
	if m.OK() {
		return other
	}
	return m
}
