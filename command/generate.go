package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"k8s.io/apimachinery/pkg/api/validate/content"

	"github.com/variant-exporter/variant-exporter/collector/config"
	"github.com/variant-exporter/variant-exporter/collector/promapi"
	"github.com/variant-exporter/variant-exporter/rules"
)

// Names of the exporter's own objects, as in deploy/.
const (
	objectName       = "variant-exporter"
	objectNamespace  = "monitoring"
	serverObjectName = "variant-model-servers"
)

// maxStabilization is as long as the alert VariantAutoscalerNotFollowing waits for an autoscaler that goes down.
const maxStabilization = 15 * time.Minute

// generateFlags are the flags that every kind of manifest has.
type generateFlags struct {
	kind       string
	configFile string
	typed      string // the command with its flags, as it can be typed again
	stdin      io.Reader
	online     bool
	queries    queries
	checks     checks
	make       func(*config.Config) (*rules.Manifest, error)
}

func newGenerateCommands(app *kingpin.Application) []command {
	cmd := app.Command("generate", "Make rules and manifests from a configuration, ready to be applied.")
	return []command{
		newGenerateRules(cmd), newGenerateAdapter(cmd), newGenerateHPA(cmd), newGenerateKEDA(cmd), newGenerateStart(cmd), newGenerateServiceMonitor(cmd), newGeneratePodMonitor(cmd),
	}
}

// add adds a command, and what all of them have.
func (f *generateFlags) add(parent *kingpin.CmdClause, kind, help string) *kingpin.CmdClause {
	cmd := parent.Command(kind, help)
	f.kind = cmd.FullCommand()
	addConfigFileFlag(cmd, &f.configFile, "Configuration file.")
	cmd.PreAction(func(parsed *kingpin.ParseContext) error {
		f.typed = typed(f.kind, parsed)
		return nil
	})
	cmd.Validate(f.checks.run)
	return cmd
}

// typed is a command line with the flags that were given, quoted where a shell needs it.
func typed(command string, parsed *kingpin.ParseContext) string {
	words := []string{"variant_exporter", command}
	for _, e := range parsed.Elements {
		flag, ok := e.Clause.(*kingpin.FlagClause)
		switch {
		case !ok:
		case e.Value == nil || flag.Model().IsBoolFlag():
			words = append(words, boolFlag(flag.Model().Name, e.Value))
		default:
			words = append(words, quoted("--"+flag.Model().Name+"="+*e.Value))
		}
	}
	return strings.Join(words, " ")
}

func boolFlag(name string, value *string) string {
	if value != nil && *value == "false" {
		return "--no-" + name
	}
	return "--" + name
}

func quoted(word string) string {
	if strings.ContainsAny(word, " \t\n\"'`$&|;<>(){}[]*?!#~\\") {
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return word
}

func (f *generateFlags) command() command { return command{name: f.kind, run: f.run} }

// run prints a manifest. It refuses a configuration that is not valid, or from which this manifest cannot be made.
func (f *generateFlags) run(ctx context.Context, std Streams) error {
	cfg, err := loadConfig(f.configFile)
	if err != nil {
		return err
	}
	f.stdin = std.In
	manifest, err := f.make(cfg)
	if _, refused := errors.AsType[*config.InvalidError](err); refused {
		return fmt.Errorf("%s cannot be used for %s:\n%w", f.configFile, f.kind, err)
	}
	if err != nil {
		return err
	}
	if f.online {
		if err := f.followed(ctx, cfg); err != nil {
			return err
		}
	}
	for _, warning := range manifest.Warnings() {
		fmt.Fprintln(std.Err, "note:", warning)
	}
	return manifest.Write(std.Out, f.typed)
}

// addOnline adds --online, by which an autoscaler is not made for a gauge that is not there.
func (f *generateFlags) addOnline(cmd *kingpin.CmdClause) {
	cmd.Flag("online", "First ask the configured Prometheus whether it has the series that the objects follow; the exit code is 1, and nothing is printed, where it has not.").
		BoolVar(&f.online)
	f.queries = queries{timeout: promapi.DefaultTimeout, concurrency: 1}
}

// followed refuses where the Prometheus does not have the gauge that autoscalers follow.
func (f *generateFlags) followed(ctx context.Context, cfg *config.Config) error {
	client, err := f.queries.connect(cfg)
	if err != nil {
		return fmt.Errorf("--online: %w", err)
	}
	defer client.Close()
	const gauge = "variant_desired_replicas"
	found, err := client.Query(ctx, "group by (variant, target_namespace) ("+gauge+")", time.Now())
	if err != nil {
		return fmt.Errorf("--online: %w", err)
	}
	known := map[string]bool{}
	for _, s := range found {
		known[string(s.Metric["target_namespace"]+"/"+s.Metric["variant"])] = true
	}
	var lacking []string
	for i := range cfg.Models {
		for j := range cfg.Models[i].Variants {
			if id := cfg.Models[i].Namespace + "/" + cfg.Models[i].Variants[j].Name; !known[id] {
				lacking = append(lacking, id)
			}
		}
	}
	if len(lacking) > 0 {
		return fmt.Errorf("%s has no %s for %s: run the exporter with this configuration and let this Prometheus scrape it (variant_exporter generate servicemonitor); "+
			"variant_exporter explain says why a gauge is absent", cfg.Prometheus.URL, gauge, strings.Join(lacking, ", "))
	}
	return nil
}

// addKubernetes adds --kubernetes-version.
func (f *generateFlags) addKubernetes(cmd *kingpin.CmdClause, k *rules.Kubernetes) {
	text := ""
	cmd.Flag("kubernetes-version", "The cluster's version, such as 1.34: what it does not take is left out, and what is lost and what works is said. Default: 1.37, with notes.").
		PlaceHolder("VERSION").StringVar(&text)
	f.checks.add(func() (err error) {
		if text != "" {
			*k, err = rules.ParseKubernetes(text)
		}
		return err
	})
}

func newGenerateStart(parent *kingpin.CmdClause) command {
	f := &generateFlags{}
	f.add(parent, "start", "Shell commands that scale what is at zero to one, before HPAs are created: an HPA never starts it.")
	return command{name: f.kind, run: func(_ context.Context, std Streams) error {
		cfg, err := loadConfig(f.configFile)
		if err != nil {
			return err
		}
		return rules.Start(std.Out, cfg, f.typed)
	}}
}

func (f *generateFlags) addLabels(cmd *kingpin.CmdClause, labels *map[string]string) {
	*labels = map[string]string{}
	cmd.Flag("label", "Label of the objects; repeatable.").PlaceHolder("KEY=VALUE").StringMapVar(labels)
	f.checks.add(func() error { return checkLabels(*labels) })
}

func checkLabels(labels map[string]string) error {
	for key, value := range labels {
		if len(content.IsLabelKey(key)) > 0 || len(content.IsLabelValue(value)) > 0 {
			return fmt.Errorf("%q is not a Kubernetes label", key+"="+value)
		}
	}
	return nil
}

func (f *generateFlags) addName(cmd *kingpin.CmdClause, usual string, name *string) {
	cmd.Flag("name", "Name of the object.").Default(usual).StringVar(name)
	f.checkName("name", content.IsDNS1123Subdomain, name)
}

func (f *generateFlags) addNamespace(cmd *kingpin.CmdClause, name *string) {
	cmd.Flag("namespace", "Namespace of the object.").Default(objectNamespace).StringVar(name)
	f.checkName("namespace", content.IsDNS1123Label, name)
}

// checkName refuses what Kubernetes would not take as a name. Wrong says what is wrong with one.
func (f *generateFlags) checkName(flag string, wrong func(string) []string, name *string) {
	f.checks.add(func() error {
		if len(wrong(*name)) > 0 {
			return fmt.Errorf("--%s: Kubernetes does not take %q", flag, *name)
		}
		return nil
	})
}

func (f *generateFlags) addReplicas(cmd *kingpin.CmdClause, most *int, down *time.Duration) {
	cmd.Flag("max-replicas", "Maximum of variants that have none in the configuration and that no budget of a fixed size bounds. "+
		"Default: refuse such variants.").PlaceHolder("N").IntVar(most)
	cmd.Flag("scale-down.stabilization", "How long an autoscaler waits before it follows the gauge down, up to 15m. The exporter has waited already.").
		Default("0s").DurationVar(down)
	f.checks.add(func() error {
		switch {
		case *most < 0:
			return errors.New("--max-replicas must be above zero")
		case *down < 0 || *down > maxStabilization:
			return errors.New("--scale-down.stabilization must be between 0s and 15m")
		}
		return nil
	})
}

func newGenerateRules(parent *kingpin.CmdClause) command {
	f, o := &generateFlags{}, rules.Options{}
	cmd := f.add(parent, "rules", "Recording and alerting rules for Prometheus.")
	cmd.Flag("format", "file: a rules file; prometheusrule: an object of the Prometheus Operator.").
		Default(string(rules.FormatFile)).EnumVar((*string)(&o.Format), string(rules.FormatFile), string(rules.FormatPrometheusRule))
	f.addName(cmd, objectName, &o.Name)
	f.addNamespace(cmd, &o.Namespace)
	f.addLabels(cmd, &o.Labels)
	cmd.Flag("interval", "How often recording rules are evaluated.").Default("15s").DurationVar(&o.Interval)
	cmd.Flag("runbook.url", "Page with what to do about each alert.").Default(rules.DefaultRunbookURL).StringVar(&o.RunbookURL)
	cmd.Flag("wva", "Record wva_desired_replicas, wva_current_replicas and wva_desired_ratio too, for autoscalers that follow these.").BoolVar(&o.WVA)
	f.checks.add(func() error { return atLeastASecond("interval", o.Interval) })
	f.make = func(c *config.Config) (*rules.Manifest, error) { return rules.Rules(c, o) }
	return f.command()
}

func atLeastASecond(flag string, d time.Duration) error {
	if d < time.Second {
		return fmt.Errorf("--%s must be at least 1s", flag)
	}
	return nil
}

func newGenerateAdapter(parent *kingpin.CmdClause) command {
	f, o := &generateFlags{}, rules.AdapterOptions{}
	cmd := f.add(parent, "adapter", "Rules for Prometheus Adapter, which the HPAs need.")
	cmd.Flag("format", "config: the adapter's file; helm-values: for its chart; configmap: the file in a ConfigMap.").
		Default(string(rules.AdapterConfig)).
		EnumVar((*string)(&o.Format), string(rules.AdapterConfig), string(rules.AdapterHelmValues), string(rules.AdapterConfigMap))
	f.addName(cmd, "adapter-config", &o.Name)
	f.addNamespace(cmd, &o.Namespace)
	f.addLabels(cmd, &o.Labels)
	cmd.Flag("gateway", "Also serve the gateway's metrics, for the HPAs of generate hpa --gateway.").BoolVar(&o.Gateway)
	cmd.Flag("wva", "Also serve wva_desired_replicas, for HPAs that follow it.").BoolVar(&o.WVA)
	present, merge := "", false
	cmd.Flag("merge", "Values or file of the adapter that are there already, such as helm get values prints them: the rules are added to those in it, and "+
		"all of it is printed. - reads standard input.").PlaceHolder("FILE").IsSetByUser(&merge).StringVar(&present)
	f.make = func(c *config.Config) (*rules.Manifest, error) {
		manifest, err := rules.Adapter(c, o)
		if err != nil || !merge {
			return manifest, err
		}
		if present == "-" {
			present = "" // as an argument would come
		}
		text, name, err := readInput(present, f.stdin)
		if err != nil {
			return nil, err
		}
		if err := manifest.Merge(text, o); err != nil {
			return nil, fmt.Errorf("--merge=%s: %w", name, err)
		}
		return manifest, nil
	}
	return f.command()
}

func newGenerateHPA(parent *kingpin.CmdClause) command {
	f, o := &generateFlags{}, rules.HPAOptions{}
	cmd := f.add(parent, "hpa", "A HorizontalPodAutoscaler for each variant. It needs the rules of generate adapter.")
	f.addLabels(cmd, &o.Labels)
	f.addReplicas(cmd, &o.MaxReplicas, &o.Stabilization)
	cmd.Flag("gateway", "Scale models of one variant on the gateway's metrics, without the exporter.").BoolVar(&o.Gateway)
	f.addKubernetes(cmd, &o.Kubernetes)
	f.addOnline(cmd)
	f.make = func(c *config.Config) (*rules.Manifest, error) { return rules.HPA(c, o) }
	return f.command()
}

func newGenerateKEDA(parent *kingpin.CmdClause) command {
	f, o := &generateFlags{}, rules.KEDAOptions{Metadata: map[string]string{}}
	cmd := f.add(parent, "keda", "A ScaledObject of KEDA for each variant.")
	f.addLabels(cmd, &o.Labels)
	f.addReplicas(cmd, &o.MaxReplicas, &o.Stabilization)
	cmd.Flag("triggers", "Print the triggers only, for a platform that makes the ScaledObjects itself, such as KServe's spec.scaling.keda.").BoolVar(&o.TriggersOnly)
	f.addKubernetes(cmd, &o.Kubernetes)
	f.addOnline(cmd)
	cmd.Flag("trigger", "What KEDA asks: prometheus, or metrics-api for the exporter itself.").
		Default(string(rules.TriggerPrometheus)).EnumVar((*string)(&o.Trigger), string(rules.TriggerPrometheus), string(rules.TriggerMetricsAPI))
	cmd.Flag("prometheus.url", "The Prometheus, as KEDA reaches it. Default: prometheus.url of the configuration.").PlaceHolder("URL").StringVar(&o.PrometheusURL)
	cmd.Flag("exporter.url", "The exporter's metrics, as KEDA reaches them, for the trigger metrics-api.").
		Default("http://" + objectName + "." + objectNamespace + ":18270/metrics").StringVar(&o.ExporterURL)
	cmd.Flag("authentication", "TriggerAuthentication of the trigger, by name; another kind as KIND/NAME.").PlaceHolder("NAME").StringVar(&o.Authentication)
	cmd.Flag("metadata", "More metadata of the trigger, such as authModes=bearer; repeatable.").PlaceHolder("KEY=VALUE").StringMapVar(&o.Metadata)
	cmd.Flag("polling-interval", "How often KEDA asks.").Default("15s").DurationVar(&o.PollingInterval)
	cmd.Flag("cooldown-period", "How long KEDA waits before zero. While it gets no answer it may take a trigger for inactive by mistake: "+
		"this should outlast an outage.").Default("5m").DurationVar(&o.Cooldown)
	f.checks.add(func() error {
		return errors.Join(atLeastASecond("polling-interval", o.PollingInterval), atLeastASecond("cooldown-period", o.Cooldown))
	})
	f.make = func(c *config.Config) (*rules.Manifest, error) { return rules.KEDA(c, o) }
	return f.command()
}

// addScrape adds what both kinds of monitors have.
func (f *generateFlags) addScrape(cmd *kingpin.CmdClause, o *rules.MonitorOptions) {
	f.addLabels(cmd, &o.Labels)
	cmd.Flag("interval", "How often to scrape.").Default("15s").DurationVar(&o.Interval)
	cmd.Flag("timeout", "Timeout of a scrape.").Default("10s").DurationVar(&o.Timeout)
}

func newGenerateServiceMonitor(parent *kingpin.CmdClause) command {
	f, o := &generateFlags{}, rules.MonitorOptions{Selector: map[string]string{}}
	cmd := f.add(parent, "servicemonitor", "A ServiceMonitor of the Prometheus Operator for the exporter.")
	f.addName(cmd, objectName, &o.Name)
	f.addNamespace(cmd, &o.Namespace)
	f.addScrape(cmd, &o)
	cmd.Flag("selector", "Label of the exporter's Service; repeatable. Default: app.kubernetes.io/name="+objectName+".").PlaceHolder("KEY=VALUE").StringMapVar(&o.Selector)
	cmd.Flag("port", "Name of the Service's port.").Default("http").StringVar(&o.Port)
	f.checkName("port", content.IsDNS1123Label, &o.Port)
	cmd.Flag("path", "Path of the metrics.").Default("/metrics").StringVar(&o.Path)
	f.addAccess(cmd, &o.Access)
	f.checks.add(func() error { return checkLabels(o.Selector) })
	f.make = func(*config.Config) (*rules.Manifest, error) {
		if len(o.Selector) == 0 {
			o.Selector["app.kubernetes.io/name"] = objectName
		}
		return rules.ServiceMonitor(o)
	}
	return f.command()
}

// addAccess adds what a scrape needs where the exporter has TLS or authentication.
func (f *generateFlags) addAccess(cmd *kingpin.CmdClause, a *rules.ScrapeAccess) {
	scheme := ""
	cmd.Flag("scheme", "http, or https for an exporter with TLS in its --web.config.file.").Default("http").EnumVar(&scheme, "http", "https")
	f.checks.add(func() error {
		a.TLS = scheme == "https"
		return nil
	})
	cmd.Flag("tls.ca-secret", "Secret with the authority of the exporter's certificate; another key than ca.crt as NAME/KEY.").PlaceHolder("NAME").StringVar(&a.CA)
	cmd.Flag("tls.server-name", "Name in the exporter's certificate.").PlaceHolder("NAME").StringVar(&a.ServerName)
	cmd.Flag("tls.insecure-skip-verify", "Do not check the certificate.").BoolVar(&a.Insecure)
	cmd.Flag("basic-auth-secret", "Secret with the keys username and password.").PlaceHolder("NAME").StringVar(&a.BasicAuth)
	cmd.Flag("bearer-secret", "Secret with a token; another key than token as NAME/KEY.").PlaceHolder("NAME").StringVar(&a.Bearer)
}

func newGeneratePodMonitor(parent *kingpin.CmdClause) command {
	f, o := &generateFlags{}, rules.MonitorOptions{}
	cmd := f.add(parent, "podmonitor", "PodMonitors of the Prometheus Operator for the model servers, which carry the variant's name to their series.")
	f.addName(cmd, serverObjectName, &o.Name)
	f.addScrape(cmd, &o)
	cmd.Flag("pod-label", "Label of the pods with the name of their variant.").Default("llm-d.ai/variant").StringVar(&o.PodLabel)
	f.checkName("pod-label", content.IsLabelKey, &o.PodLabel)
	cmd.Flag("port", "Name of the pods' port.").Default("modelserver").StringVar(&o.Port)
	f.checkName("port", content.IsDNS1123Label, &o.Port)
	cmd.Flag("path", "Path of the metrics. Default: as the model's servers have it.").PlaceHolder("PATH").StringVar(&o.Path)
	f.make = func(c *config.Config) (*rules.Manifest, error) { return rules.PodMonitor(c, o) }
	return f.command()
}
