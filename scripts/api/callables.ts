/** The public names that an application calls, and which of them have no example. */
import {
  type DeclarationReflection,
  type ProjectReflection,
  type Reflection,
  ReflectionKind,
  type SignatureReflection,
  type SomeType,
} from 'typedoc'

/** A kind of callable names that need no example. */
interface Exempt {
  readonly kind: string
  readonly test: (callable: Reflection) => boolean
}

/** Types whose members an application or a framework supplies, and Troupe calls. */
const supplied = /^(?:\w+Options|\w+Like|Clock|Calendar|AppFixtures)$/

/** All kinds of callable names that need no example. */
const exempt: readonly Exempt[] = [
  { kind: 'methods that dispose, which `using` calls', test: ({ name }) => /^\[(?:asyncD|d)ispose\]$/.test(name) },
  { kind: 'parameters, which the caller supplies', test: (callable) => isWithin(callable, ReflectionKind.Parameter) },
  {
    kind: 'members of types that an application or a framework supplies',
    test: ({ parent }) => parent?.kindOf(ReflectionKind.Interface) === true && supplied.test(parent.name),
  },
  { kind: 'types of functions', test: (callable) => isWithin(callable, ReflectionKind.TypeAlias) },
  { kind: 'functions that functions return', test: (callable) => callable.kindOf(ReflectionKind.TypeLiteral) },
]

/** A callable name, with its signatures. */
interface Callable {
  readonly reflection: Reflection
  readonly signatures: readonly SignatureReflection[]
}

/** Returns the callable public names that have no example and need one, in their order. */
export function withoutExample(project: ProjectReflection): readonly string[] {
  const lacking = callablesOf(project)
    .filter(({ reflection }) => !exempt.some(({ test }) => test(reflection)))
    .filter(({ reflection, signatures }) => ![reflection, ...signatures, ...classOf(reflection)].some(hasExample))
  return [...new Set(lacking.map(({ reflection }) => reflection.getFriendlyFullName()))]
}

function callablesOf(project: ProjectReflection): readonly Callable[] {
  const callables = new Map<Reflection, readonly SignatureReflection[]>()
  for (const each of Object.values(project.reflections)) {
    if (each.isSignature()) {
      if (!each.kindOf([ReflectionKind.CallSignature, ReflectionKind.ConstructorSignature])) continue
      const reflection = nameOf(each)
      callables.set(reflection, [...(callables.get(reflection) ?? []), each])
    } else if (each.isDeclaration() && each.kindOf(ReflectionKind.Property) && isOfFunctionType(each.type)) {
      callables.set(each, [])
    }
  }
  return Array.from(callables, ([reflection, signatures]) => ({ reflection, signatures }))
}

/** The name by which a signature is called: a function that is the value of a property has that of the property. */
function nameOf({ parent }: SignatureReflection): DeclarationReflection {
  const holder = parent.kindOf(ReflectionKind.TypeLiteral) ? parent.parent : undefined
  const isValue =
    holder?.isDeclaration() === true &&
    holder.type?.type === 'reflection' &&
    holder.type.declaration === parent &&
    holder.kindOf([ReflectionKind.Property, ReflectionKind.Variable, ReflectionKind.TypeAlias])
  return isValue ? holder : parent
}

/** The example of a class shows how one is created. */
function classOf({ parent, kind }: Reflection): readonly Reflection[] {
  return kind === ReflectionKind.Constructor && parent !== undefined ? [parent] : []
}

/** Whether a type is the name of a type of functions. */
function isOfFunctionType(type: SomeType | undefined): boolean {
  const target = type?.type === 'reference' ? type.reflection : undefined
  if (target?.isDeclaration() !== true || !target.kindOf(ReflectionKind.TypeAlias)) return false
  return target.type?.type === 'reflection' && target.type.declaration.signatures !== undefined
}

function isWithin(reflection: Reflection, kind: ReflectionKind): boolean {
  for (let each: Reflection | undefined = reflection; each !== undefined; each = each.parent)
    if (each.kindOf(kind)) return true
  return false
}

function hasExample({ comment }: Reflection): boolean {
  return comment?.getTag('@example') !== undefined
}
