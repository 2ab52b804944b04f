package embedded

// Throttled is throttled, for tests.
var Throttled = throttled
