package cluster

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"
)

// document is one object of a manifest, as it is written and as what it means.
type document struct {
	text   []byte
	object unstructured.Unstructured
}

// documents takes a manifest of several documents apart.
func documents(manifest []byte) ([]document, error) {
	var out []document
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(manifest)))
	for {
		text, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read a manifest: %w", err)
		}
		var content map[string]any
		if err := yaml.UnmarshalStrict(text, &content); err != nil {
			return nil, fmt.Errorf("read a manifest: %w", err)
		}
		if len(content) > 0 { // comments alone are a document too
			out = append(out, document{text: text, object: unstructured.Unstructured{Object: content}})
		}
	}
}

// Apply sends the documents of a manifest to the server as they are written. The server refuses any field that it does not know.
func (c *Cluster) Apply(ctx context.Context, manifest []byte) error {
	return c.apply(ctx, manifest, nil)
}

// Validate does all that Apply does but for keeping the objects. Their namespaces are made where there are none.
func (c *Cluster) Validate(ctx context.Context, manifest []byte) error {
	list, err := documents(manifest)
	if err != nil {
		return err
	}
	for _, d := range list {
		if namespace := d.object.GetNamespace(); namespace != "" {
			if err := c.Namespace(ctx, namespace); err != nil {
				return err
			}
		}
	}
	return c.apply(ctx, manifest, []string{metav1.DryRunAll})
}

func (c *Cluster) apply(ctx context.Context, manifest []byte, dryRun []string) error {
	return c.each(manifest, func(client dynamic.ResourceInterface, d document) error {
		force := true
		_, err := client.Patch(ctx, d.object.GetName(), types.ApplyPatchType, d.text, metav1.PatchOptions{
			FieldManager: "e2e", Force: &force, FieldValidation: metav1.FieldValidationStrict, DryRun: dryRun,
		})
		return err
	})
}

// Delete deletes the objects of a manifest. That one is gone already is no error.
func (c *Cluster) Delete(ctx context.Context, manifest []byte) error {
	return c.each(manifest, func(client dynamic.ResourceInterface, d document) error {
		err := client.Delete(ctx, d.object.GetName(), metav1.DeleteOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return err
	})
}

func (c *Cluster) each(manifest []byte, do func(dynamic.ResourceInterface, document) error) error {
	list, err := documents(manifest)
	if err != nil {
		return err
	}
	for _, d := range list {
		resource, namespaced, err := c.resource(d.object.GroupVersionKind())
		if err != nil {
			return err
		}
		var client dynamic.ResourceInterface = c.Dynamic.Resource(resource)
		if namespaced {
			namespace := d.object.GetNamespace()
			if namespace == "" {
				namespace = metav1.NamespaceDefault
			}
			client = c.Dynamic.Resource(resource).Namespace(namespace)
		}
		if err := do(client, d); err != nil {
			return fmt.Errorf("%s %s: %w", d.object.GetKind(), d.object.GetName(), err)
		}
	}
	return nil
}
