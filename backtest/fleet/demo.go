package fleet

import "time"

// Demo is the fleet of the demo command: two models whose load swings once in about two minutes, on servers that are ready five
// seconds after they are asked for. The profiles are invented, of the size of published ones, and chosen so that the accelerators
// differ as they do: of the one that costs least per request there are few, and the smallest costs least per replica. What each carries within the targets
// follows from its profile ([Model.Capacity]): 96, 48 and 12 requests for the small model, 64 and 28 for the large one.
func Demo() Config {
	const startup = 5 * time.Second
	small := Model{
		Name: "meta-llama/Llama-3.1-8B-Instruct", Namespace: "llm", Pool: "llama-8b",
		Load:         Noisy(Sine(9, 0.75, 2*time.Minute), 0.15, 5*time.Second, 8),
		Tokens:       Tokens{Mean: Lengths{Input: 512, Output: 150}, Variation: 0.4},
		SLO:          SLO{TTFT: 500 * time.Millisecond, ITL: 40 * time.Millisecond},
		ReplicaQueue: 5,
		MinReplicas:  1,
		Variants: []Variant{
			{
				Name: "llama-8b-h100", Accelerator: "H100", Cost: 4.10, Startup: startup, Max: 4, Blocks: 27000, BlockSize: 16,
				Profile:  Profile{Alpha: 8e-3, Beta: 20e-6, Gamma: 0.41e-6, MaxBatch: 128},
				Replicas: 1,
			},
			{
				Name: "llama-8b-a100", Accelerator: "A100", Cost: 1.60, Startup: startup, Max: 4, Blocks: 9500, BlockSize: 16,
				Profile: Profile{Alpha: 12e-3, Beta: 40e-6, Gamma: 0.67e-6, MaxBatch: 64},
			},
			{
				Name: "llama-8b-l4", Accelerator: "L4", Cost: 0.80, Startup: startup, Max: 8, Blocks: 2250, BlockSize: 16,
				Profile: Profile{Alpha: 22e-3, Beta: 120e-6, Gamma: 1.4e-6, MaxBatch: 16},
			},
		},
	}
	large := Model{
		Name: "meta-llama/Llama-3.3-70B-Instruct", Namespace: "llm", Pool: "llama-70b",
		Load:         Noisy(Sine(2.2, 0.75, 150*time.Second), 0.15, 5*time.Second, 70),
		Tokens:       Tokens{Mean: Lengths{Input: 1024, Output: 200}, Variation: 0.4},
		SLO:          SLO{TTFT: time.Second, ITL: 60 * time.Millisecond},
		ReplicaQueue: 5,
		MinReplicas:  1,
		Variants: []Variant{
			{
				Name: "llama-70b-h100x4", Accelerator: "H100", Cost: 16.40, Startup: startup, Max: 4, Blocks: 27000, BlockSize: 16,
				Profile:  Profile{Alpha: 14e-3, Beta: 30e-6, Gamma: 0.46e-6, MaxBatch: 96},
				Replicas: 1,
			},
			{
				Name: "llama-70b-a100x4", Accelerator: "A100", Cost: 6.40, Startup: startup, Max: 4, Blocks: 26000, BlockSize: 16,
				Profile: Profile{Alpha: 20e-3, Beta: 60e-6, Gamma: 0.9e-6, MaxBatch: 40},
			},
		},
	}
	return Config{Models: []Model{small, large}}
}
