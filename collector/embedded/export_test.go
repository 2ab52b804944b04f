package embedded

// Throttled is throttled, for tests.
var Throttled = throttled //nolint:gochecknoglobals // how a test reaches it
