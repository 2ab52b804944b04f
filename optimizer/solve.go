package optimizer

// DefaultWorkLimit is the bound on the search where Options names none.
const DefaultWorkLimit = 50_000_000
