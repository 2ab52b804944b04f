package command

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestErrorsOnATerminal: what a source told must not move the cursor, be it repeated by whichever error.
func TestErrorsOnATerminal(t *testing.T) {
	var out bytes.Buffer
	exitCode(errors.New("ask: \x1b[31mred\u202e\n\tnext"), &out)
	assert.Equal(t, "variant_exporter: error: ask: \\x1b[31mred\\u202e\n\tnext\n", out.String())
}
