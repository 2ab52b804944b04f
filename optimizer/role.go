package optimizer

// Role is the part of a request that a variant serves.
type Role string

// The roles of variants. An empty role is RoleBoth.
const (
	RoleBoth    Role = "both"
	RolePrefill Role = "prefill"
	RoleDecode  Role = "decode"
)

// serves reports whether a variant counts for a minimum of a role.
func (v *Variant) serves(r Role) bool {
	return r == RoleBoth || v.Role == "" || v.Role == RoleBoth || v.Role == r
}

// roles lists the roles that the model's minimum counts for: those of variants
// that serve a part only, or else all variants together.
func (m *Model) roles() []Role {
	var roles []Role
	for _, r := range []Role{RolePrefill, RoleDecode} {
		for i := range m.Variants {
			if m.Variants[i].Role == r {
				roles = append(roles, r)
				break
			}
		}
	}
	if len(roles) == 0 {
		return []Role{RoleBoth}
	}
	return roles
}
