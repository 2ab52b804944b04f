package fleet

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Config is what a fleet consists of.
type Config struct {
	Models []Model
	// Names chooses the generation of the gateway's series names.
	Names NameGeneration
}

// Model is a served model: one InferencePool with a gateway of its own.
type Model struct {
	// Name is the served model name, Namespace its Kubernetes namespace, Pool the name of its InferencePool.
	Name, Namespace, Pool string
	Load                  Load
	Tokens                Tokens
	SLO                   SLO
	// ReplicaQueue is how many requests may wait inside a replica before the gateway holds them back in its own queue. The
	// endpoint picker's saturation detector has 5 by default.
	ReplicaQueue int
	// MinReplicas is the least number of replicas over all variants, for the comparison with the largest accelerator.
	MinReplicas int
	Variants    []Variant
}

// Tokens describes the lengths of a model's requests: the means, and the coefficient of variation of a log-normal distribution
// around them. No request is longer than [MaxLengthRatio] times the mean. With a variation of 0 all are of mean length.
type Tokens struct {
	Mean      Lengths
	Variation float64
}

// MaxLengthRatio bounds a request's input and output in means. Longer ones are cut, and finish for the reason "length".
const MaxLengthRatio = 4

// Variant is one way of serving a model: a Deployment on one kind of accelerator.
type Variant struct {
	// Name is the variant's, and its Deployment's.
	Name        string
	Accelerator string
	// Cost is in currency per replica and hour. Replicas cost from the moment that they are asked for until they are gone.
	Cost    float64
	Profile Profile
	// Startup is the time from a pod's creation until it is ready.
	Startup time.Duration
	// Blocks is the size of the key-value cache in blocks of BlockSize tokens.
	Blocks, BlockSize int
	// Replicas is the number at the start, ready at once. Min and Max bound what an autoscaler may ask for; Max 0 is no limit.
	Replicas, Min, Max int
}

// longest is the number of tokens, input and output, that no request exceeds.
func (t Tokens) longest() int {
	mean := t.Mean.Input + t.Mean.Output
	if t.Variation == 0 {
		return mean
	}
	return MaxLengthRatio * mean
}

// Capacity is what one replica of the variant can have in service within the model's targets, in requests: what its profile
// allows, and what its key-value cache holds of requests of mean length.
func (m *Model) Capacity(v *Variant) int {
	fit := v.Blocks / blocksFor(m.Tokens.Mean.Input+m.Tokens.Mean.Output, v.BlockSize)
	return min(v.Profile.Concurrency(m.Tokens.Mean, m.SLO), fit)
}

// LargestOnly is the same fleet with only the variant of the largest capacity per replica for each model, without a limit and with
// one replica, or the model's minimum, at the start. Run with the same seed and the same rule for scaling, it tells what choosing
// between variants saves.
func (c Config) LargestOnly() Config {
	models := make([]Model, 0, len(c.Models))
	for _, m := range c.Models {
		if len(m.Variants) > 0 {
			largest := slices.MaxFunc(m.Variants, func(a, b Variant) int { return m.Capacity(&a) - m.Capacity(&b) })
			largest.Replicas, largest.Min, largest.Max = max(1, m.MinReplicas), m.MinReplicas, 0
			m.Variants = []Variant{largest}
		}
		models = append(models, m)
	}
	c.Models = models
	return c
}

// Validate reports everything that keeps the configuration from being simulated.
func (c Config) Validate() error {
	var errs []error
	models, variants := map[string]bool{}, map[string]bool{}
	for i := range c.Models {
		m := &c.Models[i]
		pool := m.Namespace + "/" + m.Pool
		if models[pool] {
			errs = append(errs, fmt.Errorf("model %q: a second inference pool %q", m.Name, pool))
		}
		models[pool] = true
		if err := m.validate(); err != nil {
			errs = append(errs, fmt.Errorf("model %q: %w", m.Name, err))
		}
		for j := range m.Variants {
			v := &m.Variants[j]
			if variants[v.Name] {
				errs = append(errs, fmt.Errorf("variant %q: a second one of this name", v.Name))
			}
			variants[v.Name] = true
			if err := m.validateVariant(v); err != nil {
				errs = append(errs, fmt.Errorf("variant %q: %w", v.Name, err))
			}
		}
	}
	return errors.Join(errs...)
}

func (m *Model) validate() error {
	switch {
	case m.Name == "" || m.Namespace == "" || m.Pool == "":
		return errors.New("name, namespace and inference pool are needed")
	case m.Load == nil:
		return errors.New("a load is needed")
	case m.Tokens.Mean.Input < 1 || m.Tokens.Mean.Output < 1:
		return errors.New("requests need at least one input and one output token")
	case m.Tokens.Variation < 0 || m.ReplicaQueue < 0 || m.MinReplicas < 0:
		return errors.New("variation, replica queue and minimum of replicas must not be negative")
	}
	return nil
}

func (m *Model) validateVariant(v *Variant) error {
	switch {
	case v.Name == "":
		return errors.New("a name is needed")
	case !v.Profile.valid():
		return errors.New("a profile needs alpha > 0, beta and gamma >= 0 and a max batch of at least 1")
	case v.Cost < 0 || v.Startup < 0:
		return errors.New("cost and startup must not be negative")
	case v.Replicas < 0 || v.Min < 0 || v.Max < 0 || v.Max > 0 && v.Max < v.Min:
		return errors.New("replicas, min and max must not be negative, nor max below min")
	case v.BlockSize < 1:
		return errors.New("a block of the key-value cache holds at least one token")
	}
	if need := blocksFor(m.Tokens.longest(), v.BlockSize); v.Blocks < need {
		return fmt.Errorf("the longest request takes %d blocks of key-value cache, there are %d", need, v.Blocks)
	}
	if m.Capacity(v) < 1 {
		return fmt.Errorf("not even one request meets the targets of %v to the first token and %v between tokens", m.SLO.TTFT, m.SLO.ITL)
	}
	return nil
}

// blocksFor is the number of cache blocks that so many tokens occupy.
func blocksFor(tokens, blockSize int) int {
	return (tokens + blockSize - 1) / blockSize
}
