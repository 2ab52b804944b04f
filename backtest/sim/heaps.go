package sim

import (
	"cmp"
	"slices"
)

// servers is a heap of servers by the end of their iterations.
type servers []*server

func (h servers) Len() int { return len(h) }

func (h servers) Less(i, j int) bool {
	if h[i].until != h[j].until {
		return h[i].until < h[j].until
	}
	return h[i].order < h[j].order
}

func (h servers) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

// Push implements heap.Interface.
func (h *servers) Push(x any) {
	s := x.(*server)
	s.place = len(*h)
	*h = append(*h, s)
}

// Pop implements heap.Interface.
func (h *servers) Pop() any {
	last := len(*h) - 1
	s := (*h)[last]
	s.place = -1
	*h = (*h)[:last]
	return s
}

// finishing is a heap of requests by the iteration at which they are done.
type finishing []*request

func (h finishing) Len() int           { return len(h) }
func (h finishing) Less(i, j int) bool { return h[i].ends < h[j].ends }
func (h finishing) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *finishing) Push(x any) { *h = append(*h, x.(*request)) }

// Pop implements heap.Interface.
func (h *finishing) Pop() any {
	last := len(*h) - 1
	q := (*h)[last]
	*h = (*h)[:last]
	return q
}

// sortRequests sorts by arrival; those of one moment stay in their order.
func sortRequests(all []*request) {
	slices.SortStableFunc(all, func(a, b *request) int { return cmp.Compare(a.arrived, b.arrived) })
}
