package sim

import "slices"

// group is the pods of one role, which serve one stage of a request.
type group struct {
	role int
	pods []*pod // that are ready or drain
	last bool   // of the stages
}

// groupsOf lists the groups that a request of a model goes through: one, or prefill and then decode.
func groupsOf(m *model) []group {
	if m.split {
		return []group{{role: rolePrefill}, {role: roleDecode, last: true}}
	}
	return []group{{role: roleBoth, last: true}}
}

func (g *group) serves(p *pod) bool { return g.role == roleOf(p.v.Role) }

func (g *group) remove(p *pod) {
	g.pods = slices.DeleteFunc(g.pods, func(x *pod) bool { return x == p })
}

// stageOf is the stage that a pod works in: that of its role, or else the first.
func stageOf[S interface{ serves(p *pod) bool }](stages []S, p *pod) S {
	for _, st := range stages {
		if st.serves(p) {
			return st
		}
	}
	return stages[0]
}
