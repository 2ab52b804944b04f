package query

import (
	"time"

	"github.com/variant-exporter/variant-exporter/collector/config"
)

// quantity asks for a quantity of everything, such as a price or a limit.
func (p *compiler) quantity(name string, q config.Quantity) Quantity {
	return p.quantityBy(name, q, Reader{Owner: OfEverything})
}

// withParts asks for who is missing from a quantity, which are the same for all that it is of.
func (p *compiler) withParts(name string, q Quantity) Quantity {
	silent := p.Config.SilentParts(q.Quantity.Query)
	if silent.IsZero() {
		return q
	}
	q.Silent.Now = p.ask(name+".silent", silent)
	q.Silent.Now.Sparse = true
	if q.Past != nil {
		q.Silent.Window = p.readStep(name+".silent", silent, q.Past.From, q.Past.Step, Reader{Owner: OfEverything})
		q.Silent.Window.Sparse = true
	}
	return q
}

// quantityBy asks for a quantity, and reads it over the input window, where its median counts.
func (p *compiler) quantityBy(name string, q config.Quantity, by Reader) Quantity {
	for _, l := range q.FromLabels {
		by.From += l + ","
	}
	by.Median = true
	return Quantity{
		Quantity: q, Query: p.ask(name, q.Query),
		Past: p.input(name, q.Query, by),
	}
}

// input reads a quantity over the input window: a few steps of it, since its median needs no more. What is of everything, such as a limit, is
// one series: all steps of it, so that what dips again and again does not do so at most of a few steps by chance.
func (p *compiler) input(name string, e config.Expr, by Reader) *History {
	window := time.Duration(*p.Config.InputWindow)
	if e.IsZero() || window == 0 {
		return nil
	}
	step := StepOf(window)
	if window >= stepsOfInput*longStep && by.Owner != OfEverything {
		step = longStep
	}
	return p.readStep(name, e, window, step, by)
}

// capacity is the variant's own, or the one that the signal brings.
func (p *compiler) capacity(id string, v *config.Variant, s config.ActiveSignal) Quantity {
	by := Reader{Owner: OfVariant, Labels: s.Labels}
	q, own := v.CapacityOf(s)
	if own {
		return p.quantityBy(id+".capacity."+s.Name, q, by)
	}
	return p.quantityBy(s.Key()+".capacity", q, by)
}
