package optimizer

// compete returns the groups of models that must be planned together, because
// their plans by themselves exceed a budget. It gives their variants' uses in
// the rows of the group.
func (s *solver) compete() []*group {
	parent := s.connect()
	used := make([]float64, len(s.rows))
	for i, m := range s.models {
		for j := range m.variants {
			for _, t := range m.variants[j].takes {
				used[t.row] += t.share * float64(s.points[i][j])
			}
		}
	}
	byRoot := map[int]*group{}
	for r := range s.rows {
		if used[r] > 1+slack {
			if root := find(parent, r); byRoot[root] == nil {
				byRoot[root] = &group{work: s.work, search: s.search, proven: true}
			}
		}
	}
	var groups []*group
	local := make([]int, len(s.rows))
	for r := range s.rows {
		root := find(parent, r)
		g := byRoot[root]
		if g == nil || !s.binds(r) {
			local[r] = -1
			continue
		}
		if len(g.rows) == 0 {
			groups = append(groups, g)
		}
		local[r] = len(g.rows)
		g.rows = append(g.rows, r)
	}
	for i, m := range s.models {
		if r := s.anyRow(m); r >= 0 && byRoot[find(parent, r)] != nil {
			byRoot[find(parent, r)].join(i, m, local)
			s.home[i] = byRoot[find(parent, r)]
		}
	}
	return groups
}

// join adds a model to the group.
func (g *group) join(at int, m *model, local []int) {
	g.models, g.at = append(g.models, m), append(g.at, at)
	g.floors, g.caps = append(g.floors, m.floor()), append(g.caps, 0)
	g.known = append(g.known, nil)
	for j := range m.variants {
		v := &m.variants[j]
		v.uses = make([]float64, len(g.rows))
		for _, t := range v.takes {
			if r := local[t.row]; r >= 0 {
				v.uses[r] = t.share
			}
		}
	}
}

// connect joins the budgets that share a model, and returns a forest in which
// budgets that are connected have the same root.
func (s *solver) connect() []int {
	s.demands = make([]float64, len(s.rows))
	for _, m := range s.models {
		for j := range m.variants {
			for _, t := range m.variants[j].takes {
				s.demands[t.row] += t.share * float64(m.variants[j].high)
			}
		}
	}
	parent := make([]int, len(s.rows))
	for r := range parent {
		parent[r] = r
	}
	for _, m := range s.models {
		first := -1
		for j := range m.variants {
			for _, t := range m.variants[j].takes {
				switch {
				case !s.binds(t.row):
				case first < 0:
					first = t.row
				default:
					parent[find(parent, t.row)] = find(parent, first)
				}
			}
		}
	}
	return parent
}

// binds says whether a budget can run out at all.
func (s *solver) binds(r int) bool { return s.demands[r] > 1 }

// anyRow returns a budget that the model uses and that can run out, or -1.
func (s *solver) anyRow(m *model) int {
	for j := range m.variants {
		for _, t := range m.variants[j].takes {
			if s.binds(t.row) {
				return t.row
			}
		}
	}
	return -1
}

// find returns the root of a tree in a forest and shortens the path to it.
func find(parent []int, i int) int {
	for parent[i] != i {
		parent[i] = parent[parent[i]]
		i = parent[i]
	}
	return i
}
