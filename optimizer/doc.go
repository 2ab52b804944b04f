// Package optimizer plans how many replicas of every variant to run: the
// cheapest whole numbers that serve the demand of all models within the
// budgets that they share. [Solve] takes a [Problem] and returns a [Plan];
// [Guard] takes both, with the [State] of the fleet, and returns a [Decision].
//
// The package is pure: no I/O, no clock, no randomness, and nothing but the
// standard library. The packages below it are independent of the planner:
// latency predicts what a replica can serve within an SLO, calibration fits
// the profile of a server, and forecast measures trend and noise.
//
// # The program
//
// A [Problem] states an integer program. Its variables are the replicas n(v)
// of the variants, within their minimums and maximums. For a model m and a
// signal s with a demand D > 0, the supply is the sum of capacity(v,s) n(v)
// over the model's variants; shortfall(m) is the largest of
// max(0, 1 - supply/D) over its signals, so it lies between 0 and 1. For a
// budget, the sum of uses(v) n(v) over all variants is at most its limit.
// Capacities and demands are in the unit of their signal, uses and limits in
// that of their budget, costs in currency per hour.
//
// [Solve] minimises, in this order, each without giving up what comes before:
//
//  1. for each priority, the lowest number first: the largest shortfall of its
//     models, then the sum of their shortfalls;
//  2. the cost: the sum of cost(v) n(v) + start_cost(v) max(0, n(v) - current(v));
//  3. the number of replicas started and stopped against current.
//
// Names break ties between plans that are equal in all of these. Within a
// model, the plan with more replicas of the variant that comes first in the
// order of names wins; between models, the search runs in the order of names.
// So the order of the input does not matter, and if a plan is given back as
// current, the next plan is the same.
//
// A row counts as met within [Tolerance] of its size. Shortfalls are compared
// on a grid of 2^-30, costs as whole multiples of a power of ten at most 10^-12
// of the largest (coarser only where the total would not fit 53 bits). So sums
// are exact, and ties between decimal prices are seen as ties.
//
// # What cannot be met
//
// There is always a plan. Minimums of variants are kept even if they alone
// exceed a budget; the budget is then listed in OverBudget, and nothing beyond
// the minimums may use it. A model's minimum over all its variants is kept as
// far as maximums allow. If budgets do not allow it, the minimum counts as a
// demand of its own, shared by the rule above before any other demand, and
// what each model gets becomes its minimum.
//
// By its definition, a model's shortfall is 1 if one of its signals has no
// supply at all. If no variant of the model has a capacity for a signal,
// serving the other signals gains nothing, and the model gets no replicas
// beyond its minimums. Leave such a signal out of the problem and report it;
// [Model.Unserved] lists them.
//
// # The method
//
// Models are small and share nothing but the budgets, so the program falls
// into one part per model. A part is solved by depth-first branch and bound on
// the replicas of its variants (search.go). The bound is the largest of several
// surrogate relaxations (Glover 1965), each a knapsack filled in the order of
// price per coverage (Dantzig 1957): one per row and one with the dual prices
// of the linear relaxation, which a bounded dual simplex method finds. The
// common divisor of the costs rounds bounds up.
//
// If the plans of the parts by themselves keep the budgets, they are the
// optimum. Otherwise the models connected by budgets are planned together,
// objective by objective (stage.go), as a choice of one point per model:
//
//   - Column generation (Dantzig and Wolfe 1960; Gilmore and Gomory 1961) gives
//     the Lagrangian bound, which is tighter than that of the linear relaxation
//     because every column is a whole point. The search for one model solves
//     the pricing problem. The restricted master keeps the choice rows
//     implicit (generalised upper bounding: Dantzig and Van Slyke 1967), so its
//     basis has one row per budget however many models there are (basis.go).
//   - In a small group every undominated point whose reduced cost is within the
//     gap is then listed (Handler and Zang 1980; Baldacci et al. 2008), and
//     branch and bound over these columns, branching on replicas as branch and
//     price does (Barnhart et al. 1998), proves the optimum.
//   - In a large group the relaxation leaves at most as many models undecided as
//     there are budgets (Shapley and Folkman), so searching among few models at
//     a time (kernel search: Angelelli, Mansini and Speranza 2010) and
//     exchanging the points of two or three (exchange.go) closes nearly all of
//     the gap. If few enough columns are then left within it, listing and
//     branch and bound prove the optimum here too; otherwise the gap is
//     reported.
//
// Priorities are planned one after the other. The models of one priority are
// first planned by themselves, in the room that the others leave (apart.go):
// what the plan of the others leaves gives a plan, and what they leave if each of
// them takes as little as it can gives a bound. Under one budget both are the
// same. Only if they differ, all models are planned together, starting from the
// columns and the plan of the priority before; a plan that serves one priority in
// full is tried for the next ones, twice as many at a time (priority.go).
//
// The largest shortfall is found by bisection: whether it can be reached is a
// question of packing, answered by the same three steps. The alternatives were
// tried or are known: greedy rules lose a tenth of the cost and serve less when
// budgets run out; a general branch and cut code starts from the weaker bound
// and needs seconds to minutes for a thousand models; dynamic programming over
// a grid of demands rounds the demands.
//
// # The guards
//
// A plan says where to be, not how to get there, and it trusts its inputs.
// [Constrain] narrows the problem to what may be planned, and [Guard] turns the
// plan into a [Decision]. The guards act in this order, each on the result of
// the one before:
//
//  1. hold, before planning: a variant about which nothing is known stays where
//     it is. If a part is known, it may rise and never fall.
//  2. stuck: if replicas of a variant do not become ready, it is capped at what
//     it reached, before planning, and the plan uses other variants. If the
//     model is short even then, as many of the waiting replicas are kept as
//     are wanted and fit the budgets: giving up their place gains nothing.
//  3. rate_limit: the replicas move towards the plan no faster than allowed.
//     They stay between the present and the plan.
//  4. make_before_break: variants that lose replicas keep enough ready ones for
//     the ready replicas of all variants to serve the least of the demand, of
//     what the plan serves and of what is ready now, for every signal, at the
//     least extra cost. New replicas take the room that is left in the budgets,
//     by priority and fairness, in steps if they do not fit at once. A budget
//     may be exceeded by what it lends, or as far as the present exceeds it,
//     and no further. A swap without any room waits. If new replicas are held
//     back, the old ones that are not ready yet stay too, as far as needed.
//  5. hold: a variant about which nothing may be decided has no number. If a
//     part is known, it has a number only above the present.
//  6. failsafe: if nothing has been known for as long as configured, the
//     configured number applies.
//
// Which ready replicas to keep and which new ones to start are programs of the
// same form as the plan, and are solved by the same method. Nothing is
// remembered: a decision follows from its inputs alone.
//
// # Proof and limits
//
// A plan is [StatusOptimal] only if every objective is proven. Otherwise it is
// [StatusFeasible], with the optimality gaps in ShortfallGap and Gap. The
// search ends by a limit on its work, counted in steps that are the same on
// every machine, so equal problems give equal plans; a caller may impose a time
// limit through Options.Interrupt.
//
// The limit on the work holds for any number of models, priorities and budgets:
// many priorities share a part of it, and the memory of all columns is bounded.
// Once the limit is reached or the search is interrupted, what is left of the
// budgets is given to the models by priority, and a model that was not searched
// gets the replicas that cover its demand at the least price each. That takes
// time in proportion to the size of the problem: microseconds per model.
package optimizer
