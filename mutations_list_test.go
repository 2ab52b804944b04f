package main

// bounds are the mutations, by the rows of docs/testing.md.
var bounds = []mutation{
	{
		"Planning: exactness", "bounds of the search hold for every point", "optimizer/bound.go",
		"return b.gain[depth] + most", "return b.gain[depth] + most*1.05", "./optimizer", "TestSolveEqualsBruteForceForOneModel",
	},
	{
		"Planning: exactness", "Lagrange's bound holds for every plan", "optimizer/master.go",
		"total := m.heldValue\n", "total := m.heldValue + 0.02*m.size\n", "./optimizer", "TestSolveEqualsBruteForceUnderBudgets",
	},
	{
		"Planning: interrupt", "the interrupt ends searches", "optimizer/work.go",
		" || (w.interrupt != nil && w.interrupt())", "", "./optimizer", "TestInterruptIsHonoured",
	},
	{
		"Planning: interrupt", "a plan that is cut short is not called optimal", "optimizer/solve.go",
		"if s.proven && gap == 0 && s.shortGap == 0 {", "if true {", "./optimizer", "TestInterruptIsHonoured",
	},
	{
		"Matching: interrupt", "the time is looked at", "collector/match/interrupt.go",
		"c.ended = c.ctx.Err() != nil", "", "./collector/match", "TestMatchIsInterrupted",
	},
	{
		"Matching: interrupt", "the time is looked at while histories are laid out", "collector/match/interrupt.go",
		"c.ended = c.ctx.Err() != nil", "", "./collector/match", "TestLayIsInterrupted",
	},
	{
		"Faults of Prometheus", "1: gauges are within bounds", "optimizer/guard.go",
		"v.allowed, v.n = v.planned, v.planned\n", "v.planned++\n\tv.allowed, v.n = v.planned, v.planned\n", "./backtest/faults", "TestSchedules",
	},
	{
		"Starved scrapes", "those who wait share one evaluation", "collector/server/flight.go",
		"if f.waiting == nil {", "if true {", "./collector/server", "TestOneRunsOneWaits",
	},
	{
		"Starved scrapes", "scrapes of one time share one evaluation", "collector/server/flight.go",
		"r.waiters++\n\t\treturn r", "", "./collector/server", "TestManyScrapes",
	},
	{
		"Starved scrapes", "time-outs are rounded", "collector/server/flight.go",
		"budget, now := rounded(a.budget), f.now()", "budget, now := a.budget, f.now()", "./collector/server", "TestNearlyEqualTimeouts",
	},
	{
		"Starved scrapes", "an evaluation has its turn", "collector/server/flight.go",
		"time.AfterFunc(left, func() { f.replace(fl) })", "_ = left", "./collector/server", "TestOneWhoHangsMakesRoom",
	},
	{
		"Starved scrapes", "one that does not end is not waited for", "collector/server/flight.go",
		"time.AfterFunc(patience, func() { f.end(fl) })", "", "./collector/server", "TestFlightThatHangsDoesNotHoldTheNext",
	},
	{
		"Starved scrapes", "an evaluation without clients is canceled", "collector/server/flight.go",
		"fl.abandoned = true\n\t\tf.replace(fl)", "fl.abandoned = true", "./collector/server", "TestFlightEndsWithItsLastWaiter",
	},
	{
		"Starved scrapes", "a bound on scrapes", "collector/server/view.go",
		"if !slots.TryAcquire(1) {", "slots.TryAcquire(1)\n\t\tif false {", "./collector/server", "TestTooManyScrapes",
	},
	{
		"Starved scrapes", "pages have places of their own", "collector/server/view.go",
		"return s.admitted(s.pages, fail,", "return s.admitted(s.scrapes, fail,", "./collector/server", "TestPagesDoNotStarveScrapes",
	},
	{
		"Starved scrapes", "slow readers hold no place", "collector/server/view.go",
		"answer(answered, r)", "answer(answered, r)\n\t\t\tslots.TryAcquire(1)\n\t\t\tdefer slots.Release(1)", "./collector/server", "TestManySlowReaders",
	},
	{
		"Starved scrapes", "slow readers are cut off in time", "collector/server/send.go",
		"_ = control.SetWriteDeadline(time.Now().Add(s.timeout)) //nolint:forbidigo // net.Conn wants the time of this machine.", "",
		"./collector/server", "TestReaderOfOneByteASecond",
	},
	{
		"Starved scrapes", "slow readers are cut off when they are many", "collector/server/send.go",
		"for s.order.Len() > 0 && s.bytes+r.bytes > maxSending {", "for false {", "./collector/server", "TestManySlowReaders",
	},
	{
		"Starved scrapes", "a bound on connections", "collector/server/connections.go",
		"if len(c.since) > c.limit {", "if false {", "./collector/server", "TestConnectionsMakeRoom",
	},
	{
		"Starved scrapes", "connections that stop in a request are closed, too", "collector/server/connections.go",
		"if c.placed[conn] == 0 && (oldest", "if conn != nil && c.placed[conn] < 0 && (oldest", "./collector/server", "TestConnectionsThatStop",
	},
	{
		"Starved scrapes", "connections whose request has a place stay", "collector/server/connections.go",
		"if c.placed[conn] == 0 && (oldest", "if (oldest", "./collector/server", "TestConnectionsMakeRoom",
	},
	{
		"Starved scrapes", "bodies are read before a request takes a place", "collector/server/view.go",
		"control.SetReadDeadline(time.Now().Add(bodyTime))", "control.SetReadDeadline(time.Time{})", "./collector/server", "TestSlowBodies",
	},
	{
		"Starved scrapes", "a bound on bodies", "collector/server/view.go",
		"if !s.bodies.TryAcquire(1) {", "s.bodies.TryAcquire(1)\n\tif false {", "./collector/server", "TestSlowBodies",
	},
	{
		"Starved scrapes", "a bound on what-if questions", "collector/server/whatif.go",
		"if !s.whatIfs.TryAcquire(1) {", "s.whatIfs.TryAcquire(1)\n\tif false {", "./collector/server", "TestWhatIfsAtOnce",
	},
	{
		"Starved scrapes", "a bound on the size of what-if questions", "collector/server/view.go",
		"io.LimitReader(r.Body, maxQuestionSize+1)", "r.Body", "./collector/server", "TestEndlessBody",
	},
	{
		"Starved scrapes", "a bound on queries of the process", "collector/server/limit.go",
		"err := l.slots.Acquire(ctx, 1)", "err := error(nil)\n\tgo func() { _ = l.slots.Acquire(context.WithoutCancel(ctx), 1) }()", "./collector/server", "TestConcurrencyIsThatOfTheProcess",
	},
	{
		"Starved scrapes", "time is left for what follows the queries", "collector/evaluator.go",
		"deadline.Add(-min(time.Second, max(0, deadline.Sub(now)/5)))", "deadline", "./collector", "TestHangingQuery",
	},
	{
		"Flooded log", "lines about an input", "collector/log.go",
		"if at.Sub(f.lines[0]) < logAgain {", "if false {", "./collector", "TestFailuresDoNotFloodTheLog",
	},
	{
		"Flooded log", "the same reason is written once", "collector/log.go",
		"if last.failed && last.reason == reason && at.Sub(last.at) < logAgain {", "if false {", "./collector", "TestFailureLog",
	},
	{
		"Secrets in redirects", "headers, tokens and passwords", "collector/promapi/client.go",
		"hc.CheckRedirect = SameOrigin(origin)", "", "./collector/promapi", "TestSecretsStayWithTheOrigin",
	},
	{
		"Secrets in redirects", "another port is another origin", "collector/promapi/redirect.go",
		"|| address(to) != address(origin)", "|| to.Hostname() != origin.Hostname()", "./collector/promapi", "TestSecretsStayWithTheOrigin",
	},
	{
		"Secrets in redirects", "OAuth 2", "collector/promapi/client.go",
		"guardTokens(&cfg, origin)", "", "./collector/promapi", "TestSecretsStayWithTheOrigin",
	},
	{
		"Secrets in redirects", "scrape jobs", "collector/embedded/scrape.go",
		"job.HTTPClientConfig.FollowRedirects = false", "_ = 0", "./collector/embedded", "TestSecretsOfAJobStay",
	},
	{
		"Secrets in messages", "values behind keys that sound secret", "collector/config/strict/snippet.go",
		"raw, mark = raw[:from], SecretMark", "_ = from", "./collector/config", "TestErrorsHoldNoSecret",
	},
	{
		"Secrets in messages", "values that are hidden in a line are hidden in messages", "collector/config/strict/snippet.go",
		"return s.redact.Replace(text)", "return text", "./collector/config", "TestErrorsHoldNoSecret",
	},
	{
		"Secrets in messages", "addresses", "collector/config/strict/source.go",
		"s.hideURLs()\n", "", "./collector/config", "TestErrorsHoldNoSecret",
	},
	{
		"Secrets in messages", "texts that are not YAML", "collector/config/strict/secret.go",
		"if found {\n\t\td.src.hideFrom", "if false {\n\t\td.src.hideFrom", "./collector/config", "TestErrorsHoldNoSecret",
	},
	{
		"Secrets in messages", "addresses in the errors of libraries", "collector/promapi/classify.go",
		"if !ok {\n\t\t\tbreak", "if !ok || c != nil {\n\t\t\tbreak", "./collector/promapi", "TestSecretsStayOutOfErrors",
	},
	{
		"Secrets in messages", "parameters of the address of Prometheus", "collector/promapi/client.go",
		"name: displayName(origin)", "name: origin.String()", "./collector/promapi", "TestSecretsStayOutOfErrors",
	},
	{
		"Secrets in messages", "values behind keys without a place", "collector/config/diagnostic.go",
		"\t\thideUnplaced(d, root)\n", "", "./collector/config", "TestErrorsHoldNoSecret",
	},
	{
		"Secrets in messages", "keys without a place in texts that are not YAML", "collector/config/strict/secret.go",
		"if at, unknown := d.unknownFrom(text); unknown", "if at, unknown := d.unknownFrom(text); unknown && at < 0", "./collector/config", "TestErrorsHoldNoSecret",
	},
	{
		"Secrets in messages", "texts of a source are escaped", "collector/promapi/error.go",
		"return Printable(fmt.Sprintf(\"%s: %v\", e.Reason, e.Err))", "return fmt.Sprintf(\"%s: %v\", e.Reason, e.Err)", "./collector/promapi", "TestErrorsArePrintable",
	},
	{
		"Secrets in messages", "errors on a terminal are escaped", "command/run.go",
		"printable(err.Error()))", "err.Error())", "./command", "TestErrorsOnATerminal",
	},
	{
		"Secrets in messages", "an HTTP reload answers without lines of the file", "collector/server/loader.go",
		"\t\td.Snippet = \"\"\n", "", "./collector/server", "TestLoaderReportsEveryMistake",
	},
	{
		"Hostile answers", "a bound on bodies", "collector/promapi/transport.go",
		"if int64(n) > b.left {", "if false {", "./collector/promapi", "TestQueryFailures",
	},
	{
		"Hostile answers", "what is compressed is measured as it is read", "collector/promapi/transport.go",
		"reader: resp.Body, left: l.limit", "reader: resp.Body, left: l.limit << 40", "./collector/promapi", "TestQueryFailures",
	},
	{
		"Hostile answers", "warnings and parts are no answer", "collector/promapi/decode.go",
		"case len(d.warnings) > 0:", "case false:", "./collector/promapi", "TestQueryRefuses",
	},
	{
		"Hostile answers", "isPartial is no answer", "collector/promapi/decode.go",
		"case d.partial:", "case false:", "./collector/promapi", "TestQueryRefuses",
	},
	{
		"Hostile answers", "keys that come twice", "collector/promapi/scan.go",
		"case slices.Contains(seen[:n], key):", "case len(key) < 0 && slices.Contains(seen[:n], key):", "./collector/promapi", "TestQueryRefuses",
	},
	{
		"Hostile answers", "an answer is whole", "collector/promapi/decode.go",
		"\td.end()\n", "", "./collector/promapi", "TestQueryRefuses",
	},
	{
		"Hostile answers", "a bound on the time of a query", "collector/promapi/request.go",
		"bounded, cancel := context.WithTimeout(ctx, c.timeout)", "bounded, cancel := context.WithCancel(ctx)", "./collector/promapi", "TestSecretsStayOutOfErrors/slow",
	},
	{
		"Hostile answers", "a bound on labels", "collector/promapi/known.go",
		"if len(raw) >= longLabels {", "if false {", "./collector/promapi", "TestKnownLabelsAreBounded",
	},
	{
		"Hostile answers", "the memory of a process", "collector/promapi/allowance.go",
		"if a == nil {", "if true {", "./command", "TestHostileAnswers",
	},
	{
		"Large answers", "answers share an allowance", "collector/promapi/allowance.go",
		"if a == nil {", "if true {", "./collector", "TestAnswersShareAnAllowance",
	},
	{
		"Large answers", "the memory of an evaluation", "collector/promapi/allowance.go",
		"if a == nil {", "if true {", "./collector", "TestHostileAnswersFitTheLimit",
	},
	{
		"Large answers", "labels that are remembered", "collector/promapi/known.go",
		"k.lately == nil || len(k.lately) == maxKnown || k.bytes > knownBytes", "k.lately == nil", "./collector/promapi", "TestKnownLabelsAreBounded",
	},
	{
		"Large answers", "labels of one series", "collector/promapi/allowance.go",
		"const maxLabels = 1000", "const maxLabels = 1 << 30", "./collector/promapi", "TestTooManyLabels",
	},
	{
		"Large answers", "bodies of targets", "collector/embedded/scrape.go",
		"job.BodySizeLimit = cmp.Or(job.BodySizeLimit, DefaultBodySizeLimit)", "_ = cmp.Or(job.BodySizeLimit, DefaultBodySizeLimit)", "./command", "TestHostileTargets",
	},
	{
		"Large answers", "samples of targets", "collector/embedded/scrape.go",
		"job.SampleLimit = cmp.Or(job.SampleLimit, DefaultSampleLimit)", "", "./collector/embedded", "TestLimitsOfTargets",
	},
	{
		"Cost of a scrape", "what is kept of histories", "collector/history.go",
		"if k.settled == 0 ||", "if true ||", "./collector", "TestHistoriesAskForWhatIsNew",
	},
	{
		"Odd files", "pipes, devices and folders", "collector/config/files.go",
		"if err := regular(name); err != nil {", "if err := error(nil); err != nil {", "./collector/config", "TestOnlyRegularFilesAreRead",
	},
	{
		"Odd files", "files that a client names", "collector/config/files.go",
		"\ttext, err := readFile(f.name)\n", "\ttext, err := os.ReadFile(f.name)\n", "./collector/config", "TestFilesOfClients",
	},
	{
		"Odd files", "files of scrape jobs", "collector/config/files.go",
		"if c.embedded != nil {\n\t\tfor i, job", "if false {\n\t\tfor i, job", "./collector/config", "TestFilesOfClients",
	},
	{
		"Odd files", "secrets that go into no header", "collector/config/files.go",
		"case !headerValue(secret):", "case false:", "./collector/config", "TestFilesOfClients",
	},
	{
		"Odd files", "certificates", "collector/config/files.go",
		"case f.certificate && !x509.NewCertPool().AppendCertsFromPEM(text):", "case f.certificate && len(text) < 0:", "./collector/config", "TestOnlyRegularFilesAreRead",
	},
	{
		"Odd files", "the web configuration", "collector/server/server.go",
		"if err := regularWeb(*o.Web.WebConfigFile); err != nil {", "if err := error(nil); err != nil {", "./collector/server", "TestOddWebConfiguration",
	},
	{
		"Odd files", "the time of a pipe", "collector/config/files.go",
		"context.AfterFunc(ctx, func() { _ = file.SetReadDeadline(time.Unix(1, 0)) })", "", "./collector/config", "TestPipe",
	},
	{
		"Odd files", "the size of a file", "collector/config/files.go",
		"if err == nil && len(text) > maxFile {", "if false {", "./collector/config", "TestLargeFile",
	},
	{
		"Large answers", "series in memory", "collector/embedded/bounded.go",
		"if series >= b.most {", "if false {", "./collector/embedded", "TestNewSeriesAreBounded",
	},
	{
		"Large answers", "the memory of targets with new labels", "collector/embedded/bounded.go",
		"if series >= b.most {", "if false {", "./command", "TestHostileTargets",
	},
	{
		"Large answers", "room for new pods in a full memory", "collector/embedded/bounded.go",
		"b.added[who] < b.most/fewOf", "b.added[who] < 0", "./collector/embedded", "TestFullMemoryTakesANewPod",
	},
	{
		"Large answers", "a memory that is full is relieved", "collector/embedded/bounded.go",
		"if err := b.db.CompactHead(tsdb.NewRangeHead(head, head.MinTime(), to)); err != nil {", "if err := error(nil); err != nil {", "./collector/embedded", "TestFullMemoryIsRelieved",
	},
	{
		"Large answers", "scrapes that hit a limit are told", "collector/embedded/refused.go",
		"if limit := w.limit(r); limit != \"\" {", "if limit := w.limit(r); limit == \"none\" {", "./collector/embedded", "TestRefusedScrapesAreTold",
	},
	{
		"Secrets in messages", "parameters of targets in the log", "collector/embedded/refused.go",
		"if a.Key == \"target\" {", "if a.Key == \"\" {", "./collector/embedded", "TestRefusedScrapesAreTold",
	},
	{
		"Embedded store", "folders of killed processes", "collector/embedded/engine.go",
		"removeLeftovers(cfg.Logger)", "", "./collector/embedded", "TestLeftoversAreRemoved",
	},
	{
		"Embedded store", "folders in use", "collector/embedded/temp.go",
		"continue // It is in use.", "", "./collector/embedded", "TestLeftoversAreRemoved",
	},
	{
		"Embedded store", "a line a minute", "collector/embedded/throttle.go",
		"if r.Level >= slog.LevelWarn && !t.lines.due(r) {", "if r.Level < slog.LevelDebug && !t.lines.due(r) {", "./collector/embedded", "TestErrorsAreLoggedOnceAMinute",
	},
	{
		"Licences", "a licence is on the list", "licenses_test.go",
		"\t\"MIT\":        \"Permission is hereby granted, free of charge\",\n", "", ".", "TestLicenses",
	},
	{
		"gateways of two clusters", "those that are asked for", "collector/match/witness.go",
		"!(least > asked) ||", "!(least < asked) ||", "./collector", "TestGatewaysOfTwoClusters",
	},
	{
		"own signals that add copies up", "labels by which they are added up", "collector/config/copies.go",
		"slices.DeleteFunc(pairLabels(), sum.keeps)", "pairLabels()", "./collector/config", "TestCopiedSources",
	},
	{
		"own signals that nothing counts", "those of which only failed scrapes show", "collector/config/validate.go",
		"s.byPod() || !s.Silent.IsZero() ||", "s.byPod() || !v.config.SilentSources(&s.Signal).IsZero() ||", "./collector/config", "TestUnwitnessed",
	},
	{
		"pods that tell several names of a model", "each counts once", "collector/config/aliases.go",
		"if !n.renames() || at < 0 {", "if true {", "./collector/config", "TestOneName",
	},
	{
		"a server that tells a number below zero", "an own signal's", "collector/config/derived.go",
		"text = notBelowZero(told)\n", "", "./collector", "TestBelowZero",
	},
	{
		"a server that tells a number below zero", "what runs, in a preset", "collector/config/presets/vllm.yml",
		"group by ($namespace, model_name, pod) (\n        (vllm:num_requests_running or vllm_num_requests_running) >= 0",
		"group by ($namespace, model_name, pod) (\n        (vllm:num_requests_running or vllm_num_requests_running)", "./collector", "TestBelowZero",
	},
}
