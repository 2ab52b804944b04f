package fleet

// NameGeneration is a generation of the names of the gateway's series.
type NameGeneration int

const (
	// CurrentNames are llm_d_epp_*, as by llm-d's router.
	CurrentNames NameGeneration = iota
	// BothNames has the deprecated names beside the current ones, as the router's releases of 2026 have.
	BothNames
	// DeprecatedNames are inference_extension_*, inference_objective_* and inference_pool_*, as by the gateway API inference
	// extension 1.1 to 1.5.
	DeprecatedNames
)
