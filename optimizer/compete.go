package optimizer

import "slices"

// compete returns the groups of models that share budgets which can run out,
// directly or through other models, and gives their variants' uses in the rows
// of the group.
func (s *solver) compete() []*group {
	parent := s.connect()
	byRoot := map[int]*group{}
	var groups []*group
	for r := range s.rows {
		if !s.binds(r) {
			continue
		}
		root := find(parent, r)
		g := byRoot[root]
		if g == nil {
			g = &group{work: s.work, search: s.search, proven: true}
			byRoot[root] = g
			groups = append(groups, g)
		}
		g.rows = append(g.rows, r)
	}
	for i, m := range s.models {
		if r := s.anyRow(m); r >= 0 {
			s.home[i] = byRoot[find(parent, r)]
			s.home[i].join(i, m, s.rows)
		}
	}
	return groups
}

// join adds a model to the group.
func (g *group) join(at int, m *model, rows []row) {
	g.models, g.at = append(g.models, m), append(g.at, at)
	g.floors, g.caps = append(g.floors, m.floor()), append(g.caps, 0)
	g.known = append(g.known, nil)
	for j := range m.variants {
		m.variants[j].share(rows, g.rows)
	}
}

// share sets what a replica takes of the given rows, as shares of their rooms.
func (v *variant) share(rows []row, local []int) {
	v.uses = nil
	if v.high == 0 {
		return
	}
	for _, t := range v.takes {
		at, ok := slices.BinarySearch(local, t.row)
		if use := t.use / rows[t.row].room; ok && use > 0 {
			v.uses = append(v.uses, take{at, use})
		}
	}
}

// use returns what a replica takes of a row of the group, as a share.
func (v *variant) use(row int) float64 {
	for _, t := range v.uses {
		if t.row == row {
			return t.use
		}
	}
	return 0
}

// connect joins the budgets that share a model, and returns a forest in which
// budgets that are connected have the same root.
func (s *solver) connect() []int {
	s.demands = make([]float64, len(s.rows))
	for _, m := range s.models {
		for j := range m.variants {
			v := &m.variants[j]
			for _, t := range v.takes {
				if s.counts(t) {
					s.demands[t.row] += t.use * float64(v.useful)
				}
			}
		}
	}
	parent := make([]int, len(s.rows))
	for r := range parent {
		parent[r] = r
	}
	for _, m := range s.models {
		first := s.anyRow(m)
		for j := range m.variants {
			for _, t := range m.variants[j].takes {
				if s.counts(t) && s.binds(t.row) {
					parent[find(parent, t.row)] = find(parent, first)
				}
			}
		}
	}
	return parent
}

// counts reports whether a variant could use a budget if there were one unit more
// of it. A budget with no room at all does not count.
func (s *solver) counts(t take) bool {
	room := s.rows[t.row].room
	return room > 0 && t.use <= room+1
}

// binds reports whether a budget can run out at all.
func (s *solver) binds(r int) bool { return s.demands[r] > s.rows[r].room }

// anyRow returns a budget that the model uses and that can run out, or -1.
func (s *solver) anyRow(m *model) int {
	for j := range m.variants {
		for _, t := range m.variants[j].takes {
			if s.counts(t) && s.binds(t.row) {
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
