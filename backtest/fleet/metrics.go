package fleet

// ServerMetrics is what a model server has counted since it became ready. Times are in seconds, from the request's arrival at
// the server, as vLLM measures them: what a request waited in the gateway's queue is not in them.
type ServerMetrics struct {
	PromptTokens, GenerationTokens, PrefixCacheQueries float64
	// FinishedStop and FinishedLength are the completed requests by the reason that they finished for.
	FinishedStop, FinishedLength float64

	TimeToFirstToken, InterTokenLatency, EndToEndLatency Histogram
	RequestPromptTokens, RequestGenerationTokens         Histogram
}

func newServerMetrics() ServerMetrics {
	return ServerMetrics{
		TimeToFirstToken:        newHistogram(ttftBounds()),
		InterTokenLatency:       newHistogram(itlBounds()),
		EndToEndLatency:         newHistogram(e2eBounds()),
		RequestPromptTokens:     newHistogram(tokenBounds()),
		RequestGenerationTokens: newHistogram(tokenBounds()),
	}
}

func (m *ServerMetrics) observeFirstToken(q *request) {
	m.PromptTokens += float64(q.Input)
	m.GenerationTokens++
	m.TimeToFirstToken.observe(q.first-q.dispatched, 1)
}

func (m *ServerMetrics) observeDone(q *request, now float64) {
	m.EndToEndLatency.observe(now-q.dispatched, 1)
	m.RequestPromptTokens.observe(float64(q.Input), 1)
	m.RequestGenerationTokens.observe(float64(q.Output), 1)
	if q.cut {
		m.FinishedLength++
	} else {
		m.FinishedStop++
	}
}

func (m *ServerMetrics) clone() ServerMetrics {
	c := *m
	c.TimeToFirstToken = m.TimeToFirstToken.clone()
	c.InterTokenLatency = m.InterTokenLatency.clone()
	c.EndToEndLatency = m.EndToEndLatency.clone()
	c.RequestPromptTokens = m.RequestPromptTokens.clone()
	c.RequestGenerationTokens = m.RequestGenerationTokens.clone()
	return c
}
