package fleet

import "math/rand/v2"

// safeAlphabet is what Kubernetes generates names from: no vowels, and nothing that is easily mistaken for another.
const safeAlphabet = "bcdfghjklmnpqrstvwxz2456789"

// The lengths of a pod template's hash and of a pod's own suffix in the name of a Deployment's pod.
const (
	templateHashLength = 10
	podSuffixLength    = 5
)

func randomName(rng *rand.Rand, length int) string {
	name := make([]byte, length)
	for i := range name {
		name[i] = safeAlphabet[rng.IntN(len(safeAlphabet))]
	}
	return string(name)
}
