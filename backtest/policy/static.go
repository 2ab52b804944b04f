package policy

// static keeps what the scenario starts with.
type static map[string]int

func newStatic(s Setup) Policy {
	replicas := static{}
	for i := range s.Variants {
		replicas[s.Variants[i].ID] = s.Variants[i].Current
	}
	return replicas
}

func (static) Name() string { return "static" }

func (s static) Desired(*Observation) map[string]int { return s }
