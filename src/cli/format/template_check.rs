//! Finds the mistakes in a template that the template engine does not tell well: fields that do not exist, with the place
//! where they stand, and functions that nobody defined.
//!
//! The check walks the template with the value that dot has, as far as that is known without running it: through `range`,
//! `with`, `if` and field chains, but not through function calls. What is unknown is not complained about.

use gotmpl::Value;
use gotmpl::parse::{BranchNode, CommandNode, DefineNode, Expr, ListNode, Node, PipeNode, Pos, SmolStr};

use super::template::Schema;
use super::template_funcs;
use crate::error::{Error, Result};

/// What is known about a value: the value, what to call its type, and whether its keys are the user's.
#[derive(Debug, Clone)]
struct Known {
    value: Value,
    type_name: String,
    free: bool,
}

struct Checker<'a> {
    source: &'a str,
    schema: &'a Schema,
    /// Innermost last. `None`: the variable exists, but its value is not known.
    variables: Vec<(SmolStr, Option<Known>)>,
}

/// Checks a parsed template against the value that it will run on.
///
/// # Errors
/// The first mistake, worded and placed as Go does.
pub fn check(source: &str, tree: &ListNode, defines: &[DefineNode], root: &Value, schema: &Schema) -> Result<()> {
    let root = Known { value: root.clone(), type_name: schema.type_name.to_owned(), free: false };
    let mut checker = Checker { source, schema, variables: vec![(SmolStr::new("$"), Some(root.clone()))] };
    checker.list(tree, Some(&root))?;
    for define in defines {
        checker.variables = vec![(SmolStr::new("$"), None)];
        checker.list(&define.body, None)?;
    }
    Ok(())
}

impl Checker<'_> {
    fn list(&mut self, list: &ListNode, dot: Option<&Known>) -> Result<()> {
        let depth = self.variables.len();
        for node in &list.nodes {
            self.node(node, dot)?;
        }
        self.variables.truncate(depth);
        Ok(())
    }

    fn node(&mut self, node: &Node, dot: Option<&Known>) -> Result<()> {
        match node {
            Node::Action(action) => {
                let known = self.pipe(&action.pipe, dot)?;
                for name in &action.pipe.decl {
                    self.variables.push((name.clone(), if action.pipe.is_assign { None } else { known.clone() }));
                }
                Ok(())
            }
            Node::If(branch) => self.branch(branch, dot, |_| dot.cloned()),
            Node::With(branch) => self.branch(branch, dot, |known| known),
            Node::Range(branch) => self.range(branch, dot),
            Node::Template(call) => call.pipe.as_ref().map_or(Ok(()), |pipe| self.pipe(pipe, dot).map(drop)),
            Node::List(list) => self.list(list, dot),
            Node::Text(_) | Node::Define(_) | Node::Break(_) | Node::Continue(_) => Ok(()),
        }
    }

    fn branch(
        &mut self,
        branch: &BranchNode,
        dot: Option<&Known>,
        body_dot: impl FnOnce(Option<Known>) -> Option<Known>,
    ) -> Result<()> {
        let depth = self.variables.len();
        let known = self.pipe(&branch.pipe, dot)?;
        for name in &branch.pipe.decl {
            self.variables.push((name.clone(), known.clone()));
        }
        self.list(&branch.body, body_dot(known).as_ref())?;
        if let Some(otherwise) = &branch.else_body {
            self.list(otherwise, dot)?;
        }
        self.variables.truncate(depth);
        Ok(())
    }

    fn range(&mut self, branch: &BranchNode, dot: Option<&Known>) -> Result<()> {
        let depth = self.variables.len();
        let over = self.pipe(&branch.pipe, dot)?;
        let element = over.and_then(|over| match &over.value {
            Value::List(items) => {
                items.first().map(|first| Known { value: first.clone(), type_name: over.type_name, free: false })
            }
            _ => None,
        });
        let names = &branch.pipe.decl;
        for (i, name) in names.iter().enumerate() {
            let is_element = i + 1 == names.len();
            self.variables.push((name.clone(), if is_element { element.clone() } else { None }));
        }
        self.list(&branch.body, element.as_ref())?;
        self.variables.truncate(depth);
        branch.else_body.as_ref().map_or(Ok(()), |otherwise| self.list(otherwise, dot))
    }

    fn pipe(&mut self, pipe: &PipeNode, dot: Option<&Known>) -> Result<Option<Known>> {
        let mut known = None;
        for command in &pipe.commands {
            known = self.command(command, dot)?;
        }
        Ok(if pipe.commands.len() == 1 { known } else { None })
    }

    fn command(&mut self, command: &CommandNode, dot: Option<&Known>) -> Result<Option<Known>> {
        let mut known = None;
        for (i, arg) in command.args.iter().enumerate() {
            let value = self.expr(arg, dot)?;
            if i == 0 {
                known = value;
            }
        }
        Ok(if command.args.len() == 1 { known } else { None })
    }

    fn expr(&mut self, expr: &Expr, dot: Option<&Known>) -> Result<Option<Known>> {
        match expr {
            Expr::Dot(_) => Ok(dot.cloned()),
            Expr::Field(pos, fields) => self.fields(*pos, "", dot.cloned(), fields),
            Expr::Variable(pos, name, fields) => {
                let known = self.variables.iter().rev().find(|(n, _)| n == name).and_then(|(_, known)| known.clone());
                self.fields(*pos, name, known, fields)
            }
            Expr::Identifier(pos, name) => {
                if template_funcs::NAMES.contains(&name.as_str()) {
                    return Ok(None);
                }
                let (command, line) = (self.schema.command, pos.line);
                Err(Error::new(format!("template: {command}:{line}: function \"{name}\" not defined")))
            }
            Expr::Pipe(_, pipe) => self.pipe(pipe, dot),
            Expr::Chain(pos, inner, fields) => {
                let known = self.expr(inner, dot)?;
                self.fields(*pos, "", known, fields)
            }
            Expr::String(..) | Expr::Number(..) | Expr::Bool(..) | Expr::Nil(_) => Ok(None),
        }
    }

    /// Follows a chain of fields from a value, as far as it is known.
    fn fields(&self, pos: Pos, start: &str, from: Option<Known>, fields: &[SmolStr]) -> Result<Option<Known>> {
        let mut current = from;
        for name in fields {
            let Some(known) = current else { return Ok(None) };
            if known.free {
                return Ok(None);
            }
            let complain = |type_name: &str| Err(self.no_field(pos, start, fields, name, type_name));
            match &known.value {
                Value::Map(map) => match map.get(name.as_str()) {
                    Some(value) => {
                        let free = self.schema.free_maps.contains(&name.as_str());
                        current = Some(Known { value: value.clone(), type_name: name.to_string(), free });
                    }
                    None => return complain(&known.type_name),
                },
                Value::String(_) => return complain("string"),
                Value::Bool(_) => return complain("bool"),
                Value::Int(_) | Value::Uint(_) => return complain("int"),
                Value::Float(_) => return complain("float64"),
                Value::List(items) if !items.is_empty() => return complain(&format!("[]{}", known.type_name)),
                // An empty list may be a null that stands for an absent object.
                Value::List(_) | Value::Nil | Value::Function(_) => return Ok(None),
            }
        }
        Ok(current)
    }

    fn no_field(&self, pos: Pos, start: &str, fields: &[SmolStr], name: &str, type_name: &str) -> Error {
        let mut text = start.to_owned();
        // Go places a chain of several fields at its second one.
        let mut offset = pos.offset;
        for (i, field) in fields.iter().enumerate() {
            text.push('.');
            text.push_str(field);
            if i == 0 && fields.len() > 1 && start.is_empty() {
                offset += field.len() + 1;
            }
        }
        let before = self.source.get(..offset).unwrap_or(self.source);
        let column = before.rfind('\n').map_or(before.len(), |newline| before.len() - newline);
        let command = self.schema.command;
        Error::new(format!(
            "template: {command}:{}:{column}: executing \"{command}\" at <{text}>: can't evaluate field {name} in type {type_name}",
            pos.line
        ))
    }
}

/// All chains of fields that a template follows from dot or a variable: what its headings are made of.
pub fn field_chains(tree: &ListNode) -> Vec<Vec<String>> {
    let mut chains = Vec::new();
    collect_list(tree, &mut chains);
    chains
}

fn collect_list(list: &ListNode, chains: &mut Vec<Vec<String>>) {
    for node in &list.nodes {
        match node {
            Node::Action(action) => collect_pipe(&action.pipe, chains),
            Node::If(branch) | Node::With(branch) | Node::Range(branch) => {
                collect_pipe(&branch.pipe, chains);
                collect_list(&branch.body, chains);
                if let Some(otherwise) = &branch.else_body {
                    collect_list(otherwise, chains);
                }
            }
            Node::List(list) => collect_list(list, chains),
            Node::Template(call) => {
                if let Some(pipe) = &call.pipe {
                    collect_pipe(pipe, chains);
                }
            }
            Node::Text(_) | Node::Define(_) | Node::Break(_) | Node::Continue(_) => {}
        }
    }
}

fn collect_pipe(pipe: &PipeNode, chains: &mut Vec<Vec<String>>) {
    for arg in pipe.commands.iter().flat_map(|command| &command.args) {
        match arg {
            Expr::Field(_, fields) | Expr::Variable(_, _, fields) => {
                chains.push(fields.iter().map(ToString::to_string).collect());
            }
            Expr::Pipe(_, pipe) => collect_pipe(pipe, chains),
            Expr::Chain(_, inner, _) => {
                if let Expr::Pipe(_, pipe) = inner.as_ref() {
                    collect_pipe(pipe, chains);
                }
            }
            _ => {}
        }
    }
}
