#include "triggers/cel/parser.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include "triggers/base/text.h"
#include "triggers/cel/lexer.h"
#include "triggers/cel/text.h"
#include "triggers/limits.h"

namespace huitou::cel {
namespace {

constexpr std::string_view kReserved[] = {
    "as",  "break", "const",   "continue",  "else",   "for", "function", "if",   "import",
    "let", "loop",  "package", "namespace", "return", "var", "void",     "while"};

struct BinarySign {
  std::string_view text;
  int level;  // binds tighter when higher
  Operator op;
};

constexpr BinarySign kBinarySigns[] = {
    {"||", 1, Operator::kOr},      {"&&", 2, Operator::kAnd},
    {"==", 3, Operator::kEqual},   {"!=", 3, Operator::kNotEqual},
    {"<", 3, Operator::kLess},     {"<=", 3, Operator::kLessEqual},
    {">", 3, Operator::kGreater},  {">=", 3, Operator::kGreaterEqual},
    {"in", 3, Operator::kIn},      {"+", 4, Operator::kAdd},
    {"-", 4, Operator::kSubtract}, {"*", 5, Operator::kMultiply},
    {"/", 5, Operator::kDivide},   {"%", 5, Operator::kModulo},
};

struct MacroName {
  std::string_view name;
  Macro macro;
  size_t arguments_min;
  size_t arguments_max;
};

constexpr MacroName kMacros[] = {
    {"all", Macro::kAll, 2, 2},
    {"exists", Macro::kExists, 2, 2},
    {"exists_one", Macro::kExistsOne, 2, 2},
    {"map", Macro::kMap, 2, 3},
    {"filter", Macro::kFilter, 2, 2},
};

// Operators as other languages write them.
constexpr std::pair<std::string_view, std::string_view> kForeignOperators[] = {
    {"and", "&&"}, {"AND", "&&"}, {"or", "||"}, {"OR", "||"}, {"is", "=="}, {"eq", "=="}};

bool IsReserved(std::string_view word) {
  return std::find(std::begin(kReserved), std::end(kReserved), word) != std::end(kReserved);
}

// Recursive descent. Every method returns null after the first mistake, which Error() recorded.
class Parser {
 public:
  Parser(std::string_view text, Arena* literals, std::vector<CompileError>* errors)
      : lexer_(text), literals_(literals), errors_(errors) {
    Advance();
  }

  ExprPtr Run() {
    ExprPtr tree = ParseExpr();
    if (tree != nullptr && token_.kind != TokenKind::kEnd) {
      return Unexpected(token_.Is(")") || token_.Is("]") || token_.Is("}")
                            ? "nothing is open here to be closed"
                            : "an operator is missing before it");
    }
    return tree;
  }

 private:
  void Advance() { token_ = lexer_.Next(); }

  bool Accept(std::string_view sign) {
    if (!token_.Is(sign)) {
      return false;
    }
    Advance();
    return true;
  }

  std::nullptr_t Error(size_t offset, std::string message, std::string hint = {}) {
    if (errors_->empty()) {
      errors_->push_back({offset, std::move(message), std::move(hint)});
    }
    return nullptr;
  }

  std::nullptr_t Unexpected(std::string hint) {
    if (token_.kind == TokenKind::kBad) {
      return Error(token_.offset, token_.error, token_.hint);
    }
    if (token_.kind == TokenKind::kEnd) {
      return Error(token_.offset, "the expression ends too early", std::move(hint));
    }
    for (const auto& [word, sign] : kForeignOperators) {
      if (token_.kind == TokenKind::kName && token_.text == word) {
        hint = "write '" + std::string(sign) + "'";
      }
    }
    return Error(token_.offset, "unexpected '" + std::string(token_.text) + "'", std::move(hint));
  }

  bool Expect(std::string_view sign) {
    if (Accept(sign)) {
      return true;
    }
    Unexpected("expected '" + std::string(sign) + "'");
    return false;
  }

  // Records the depth of `expr`, whose children are complete; null when it is too deep.
  ExprPtr Finish(ExprPtr expr) {
    int depth = expr->target == nullptr ? 0 : expr->target->depth;
    for (const ExprPtr& arg : expr->args) {
      depth = std::max(depth, arg->depth);
    }
    expr->depth = depth + 1;
    return Bounded(std::move(expr));
  }

  ExprPtr Bounded(ExprPtr expr) {
    return expr->depth > limits::kCelDepthMax ? TooDeep(expr->offset) : std::move(expr);
  }

  std::nullptr_t TooDeep(size_t offset) {
    return Error(offset,
                 "the expression is nested deeper than " + std::to_string(limits::kCelDepthMax),
                 "group long sums with parentheses");
  }

  static ExprPtr New(Expr::Kind kind, size_t offset, size_t start_offset) {
    auto expr = std::make_unique<Expr>();
    expr->kind = kind;
    expr->offset = offset;
    expr->start_offset = start_offset;
    return expr;
  }

  ExprPtr NewOperator(Operator op, size_t offset, ExprPtr first) {
    ExprPtr expr = New(Expr::Kind::kOperator, offset, first->start_offset);
    expr->op = op;
    expr->args.push_back(std::move(first));
    return expr;
  }

  ExprPtr ParseExpr();
  ExprPtr ParseBinary(int level);
  ExprPtr ParseUnary();
  ExprPtr ParseSigns(std::string_view sign, Operator op);
  ExprPtr ParseMember();
  ExprPtr ParseMemberSuffixes(ExprPtr expr);
  ExprPtr ParseSelector(ExprPtr target);
  ExprPtr ParsePrimary();
  ExprPtr ParseName();
  ExprPtr ParseNumber(bool negative, size_t start_offset);
  ExprPtr ParseList();
  ExprPtr ParseMap();
  ExprPtr ParseCallArguments(ExprPtr call);
  ExprPtr ExpandHas(ExprPtr call);
  ExprPtr ExpandMacro(ExprPtr call);
  bool ParseItems(std::string_view close, std::vector<ExprPtr>* items);
  const BinarySign* FindBinarySign() const;
  ExprPtr TextLiteral();

  Lexer lexer_;
  Token token_;
  Arena* literals_;
  std::vector<CompileError>* errors_;
  int depth_ = 0;
};

ExprPtr Parser::ParseExpr() {
  if (depth_ >= limits::kCelDepthMax) {
    return TooDeep(token_.offset);
  }
  ++depth_;
  ExprPtr condition = ParseBinary(1);
  if (condition != nullptr && token_.Is("?")) {
    const size_t offset = token_.offset;
    Advance();
    ExprPtr expr = NewOperator(Operator::kConditional, offset, std::move(condition));
    ExprPtr then = ParseBinary(1);
    if (then == nullptr || !Expect(":")) {
      --depth_;
      return nullptr;
    }
    expr->args.push_back(std::move(then));
    expr->args.push_back(ParseExpr());
    condition = expr->args.back() == nullptr ? nullptr : Finish(std::move(expr));
  }
  --depth_;
  return condition;
}

const BinarySign* Parser::FindBinarySign() const {
  if (token_.kind != TokenKind::kSign && !token_.IsWord("in")) {
    return nullptr;
  }
  const auto* found =
      std::find_if(std::begin(kBinarySigns), std::end(kBinarySigns),
                   [this](const BinarySign& sign) { return sign.text == token_.text; });
  return found == std::end(kBinarySigns) ? nullptr : found;
}

// Chains of && and of || become one node of many operands, however long they are; parentheses
// within one change nothing.
ExprPtr Parser::ParseBinary(int level) {
  ExprPtr left = ParseUnary();
  while (left != nullptr) {
    const BinarySign* sign = FindBinarySign();
    if (sign == nullptr || sign->level < level) {
      break;
    }
    const size_t offset = token_.offset;
    Advance();
    ExprPtr right = ParseBinary(sign->level + 1);
    if (right == nullptr) {
      return nullptr;
    }
    const bool chain = (sign->op == Operator::kAnd || sign->op == Operator::kOr) &&
                       left->kind == Expr::Kind::kOperator && left->op == sign->op;
    if (chain) {
      left->depth = std::max(left->depth, right->depth + 1);
      left->args.push_back(std::move(right));
      left = Bounded(std::move(left));
    } else {
      left = NewOperator(sign->op, offset, std::move(left));
      left->args.push_back(std::move(right));
      left = Finish(std::move(left));
    }
  }
  return left;
}

ExprPtr Parser::ParseUnary() {
  if (token_.Is("!")) {
    return ParseSigns("!", Operator::kNot);
  }
  return token_.Is("-") ? ParseSigns("-", Operator::kNegate) : ParseMember();
}

// A row of signs: pairs cancel out, but for the last two, which still ask for the operand's type.
ExprPtr Parser::ParseSigns(std::string_view sign, Operator op) {
  const size_t start_offset = token_.offset;
  size_t last_offset = token_.offset;
  size_t count = 0;
  while (token_.Is(sign)) {
    last_offset = token_.offset;
    ++count;
    Advance();
  }
  ExprPtr expr;
  const bool is_number = token_.kind == TokenKind::kInt || token_.kind == TokenKind::kDouble;
  if (op == Operator::kNegate && is_number && token_.offset == last_offset + 1) {
    --count;
    expr = ParseNumber(true, last_offset);
    expr = expr == nullptr ? nullptr : ParseMemberSuffixes(std::move(expr));
  } else {
    expr = ParseMember();
  }
  if (expr == nullptr || count == 0) {
    return expr;
  }
  for (size_t i = count % 2 == 0 ? 2 : 1; i > 0 && expr != nullptr; --i) {
    ExprPtr outer = NewOperator(op, start_offset, std::move(expr));
    outer->start_offset = start_offset;
    expr = Finish(std::move(outer));
  }
  return expr;
}

ExprPtr Parser::ParseMember() {
  ExprPtr expr = ParsePrimary();
  return expr == nullptr ? nullptr : ParseMemberSuffixes(std::move(expr));
}

ExprPtr Parser::ParseMemberSuffixes(ExprPtr expr) {
  while (expr != nullptr) {
    if (Accept(".")) {
      expr = ParseSelector(std::move(expr));
    } else if (token_.Is("[")) {
      ExprPtr index = NewOperator(Operator::kIndex, token_.offset, std::move(expr));
      Advance();
      index->args.push_back(ParseExpr());
      if (index->args.back() == nullptr || !Expect("]")) {
        return nullptr;
      }
      expr = Finish(std::move(index));
    } else {
      break;
    }
  }
  return expr;
}

ExprPtr Parser::ParseSelector(ExprPtr target) {
  const bool quoted = token_.kind == TokenKind::kQuotedName;
  const bool keyword = token_.IsWord("in") || token_.IsWord("true") || token_.IsWord("false") ||
                       token_.IsWord("null");
  if (!quoted && (token_.kind != TokenKind::kName || keyword)) {
    return Unexpected("expected the name of a field");
  }
  ExprPtr expr = New(Expr::Kind::kSelect, token_.offset, target->start_offset);
  expr->name = std::string(token_.text);
  expr->target = std::move(target);
  Advance();
  if (!quoted && token_.Is("(")) {
    expr->kind = Expr::Kind::kCall;
    return ParseCallArguments(std::move(expr));
  }
  return Finish(std::move(expr));
}

ExprPtr Parser::TextLiteral() {
  ExprPtr expr = New(Expr::Kind::kLiteral, token_.offset, token_.offset);
  const std::string_view content = literals_->Copy(token_.decoded);
  CHECK(content.data() != nullptr);
  expr->literal = token_.kind == TokenKind::kBytes ? Value::Bytes(content) : Value::String(content);
  Advance();
  return expr;
}

ExprPtr Parser::ParsePrimary() {
  switch (token_.kind) {
    case TokenKind::kInt:
    case TokenKind::kUint:
    case TokenKind::kDouble:
      return ParseNumber(false, token_.offset);
    case TokenKind::kString:
    case TokenKind::kBytes:
      return TextLiteral();
    case TokenKind::kName:
      return ParseName();
    default:
      break;
  }
  if (token_.Is(".")) {
    return ParseName();
  }
  const size_t open_offset = token_.offset;
  if (Accept("(")) {
    ExprPtr expr = ParseExpr();
    if (expr == nullptr || !Expect(")")) {
      return nullptr;
    }
    expr->start_offset = open_offset;
    return expr;
  }
  if (token_.Is("[")) {
    return ParseList();
  }
  return token_.Is("{") ? ParseMap() : Unexpected("expected a value");
}

ExprPtr Parser::ParseName() {
  const size_t start_offset = token_.offset;
  const bool absolute = Accept(".");
  if (token_.kind != TokenKind::kName) {
    return Unexpected("expected a name");
  }
  ExprPtr expr = New(Expr::Kind::kName, token_.offset, start_offset);
  expr->name = std::string(token_.text);
  expr->absolute = absolute;
  if (expr->name == "true" || expr->name == "false" || expr->name == "null") {
    expr->kind = Expr::Kind::kLiteral;
    expr->literal = expr->name == "null" ? Value::Null() : Value::Bool(expr->name == "true");
    Advance();
    return absolute ? Error(start_offset, "unexpected '.'") : std::move(expr);
  }
  if (expr->name == "in" || IsReserved(expr->name)) {
    return Error(token_.offset, "'" + expr->name + "' is a reserved word");
  }
  Advance();
  if ((expr->name == "not" || expr->name == "NOT") &&
      (token_.kind == TokenKind::kName || token_.Is("("))) {
    return Error(start_offset, "unexpected '" + expr->name + "'", "write '!'");
  }
  if (token_.Is("(")) {
    expr->kind = Expr::Kind::kCall;
    return ParseCallArguments(std::move(expr));
  }
  if (token_.Is("{")) {
    return Error(token_.offset, "messages cannot be built here", "a map is written {'key': value}");
  }
  return expr;
}

ExprPtr Parser::ParseNumber(bool negative, size_t start_offset) {
  ExprPtr expr = New(Expr::Kind::kLiteral, start_offset, start_offset);
  const std::string digits(token_.text);
  const TokenKind kind = token_.kind;
  Advance();
  if (kind == TokenKind::kDouble) {
    const std::optional<double> d = ParseDouble(digits);
    if (!d.has_value()) {
      return Error(start_offset, "'" + digits + "' is too large for a double");
    }
    expr->literal = Value::Double(negative ? -*d : *d);
    return expr;
  }
  const bool hex = digits.size() > 2 && (digits[1] | 0x20) == 'x';
  const char* end = digits.data() + digits.size();
  uint64_t magnitude = 0;
  const auto result = std::from_chars(digits.data() + (hex ? 2 : 0), end, magnitude, hex ? 16 : 10);
  constexpr uint64_t kIntMax = uint64_t{1} << 63;
  const bool fits = result.ec == std::errc{} && result.ptr == end &&
                    (kind == TokenKind::kUint || magnitude < kIntMax + (negative ? 1 : 0));
  if (!fits) {
    return Error(start_offset, "'" + digits + "' is too large for " +
                                   (kind == TokenKind::kUint ? "a uint" : "an int"));
  }
  if (kind == TokenKind::kUint) {
    expr->literal = Value::Uint(magnitude);
  } else {
    expr->literal = Value::Int(static_cast<int64_t>(negative ? 0 - magnitude : magnitude));
  }
  return expr;
}

bool Parser::ParseItems(std::string_view close, std::vector<ExprPtr>* items) {
  while (!token_.Is(close)) {
    items->push_back(ParseExpr());
    if (items->back() == nullptr) {
      return false;
    }
    if (!token_.Is(close) && !Accept(",")) {
      Unexpected("expected ',' or '" + std::string(close) + "'");
      return false;
    }
  }
  Advance();
  return true;
}

ExprPtr Parser::ParseList() {
  ExprPtr expr = New(Expr::Kind::kList, token_.offset, token_.offset);
  Advance();
  return ParseItems("]", &expr->args) ? Finish(std::move(expr)) : nullptr;
}

ExprPtr Parser::ParseMap() {
  ExprPtr expr = New(Expr::Kind::kMap, token_.offset, token_.offset);
  Advance();
  while (!token_.Is("}")) {
    expr->args.push_back(ParseExpr());
    if (expr->args.back() == nullptr || !Expect(":")) {
      return nullptr;
    }
    expr->args.push_back(ParseExpr());
    if (expr->args.back() == nullptr) {
      return nullptr;
    }
    if (!token_.Is("}") && !Accept(",")) {
      return Unexpected("expected ',' or '}'");
    }
  }
  Advance();
  return Finish(std::move(expr));
}

ExprPtr Parser::ParseCallArguments(ExprPtr call) {
  const size_t open_offset = token_.offset;
  Advance();
  if (token_.Is(",")) {
    return Unexpected("expected a value");
  }
  if (!ParseItems(")", &call->args)) {
    return nullptr;
  }
  if (call->args.size() > kArgumentsMax) {
    return Error(open_offset, "'" + call->name + "' has too many arguments");
  }
  if (call->target == nullptr && call->name == "has") {
    return ExpandHas(std::move(call));
  }
  return call->target == nullptr ? Finish(std::move(call)) : ExpandMacro(std::move(call));
}

ExprPtr Parser::ExpandHas(ExprPtr call) {
  if (call->args.size() != 1 || call->args[0]->kind != Expr::Kind::kSelect) {
    return Error(call->offset, "has() takes one field", "for example has(customer.birthday)");
  }
  ExprPtr has = std::move(call->args[0]);
  has->kind = Expr::Kind::kHas;
  has->start_offset = call->start_offset;
  return has;
}

ExprPtr Parser::ExpandMacro(ExprPtr call) {
  const auto* macro = std::find_if(std::begin(kMacros), std::end(kMacros),
                                   [&](const MacroName& m) { return m.name == call->name; });
  if (macro == std::end(kMacros) || call->args.size() < macro->arguments_min ||
      call->args.size() > macro->arguments_max) {
    return Finish(std::move(call));
  }
  const Expr& variable = *call->args[0];
  if (variable.kind != Expr::Kind::kName || variable.absolute) {
    return Error(variable.start_offset, "'" + call->name + "' takes a name first",
                 "for example ." + call->name + "(item, item > 0)");
  }
  call->kind = Expr::Kind::kMacro;
  call->macro = macro->macro;
  call->name = variable.name;
  call->args.erase(call->args.begin());
  return Finish(std::move(call));
}

}  // namespace

ExprPtr Parse(std::string_view text, Arena* literals, std::vector<CompileError>* errors) {
  if (text.size() > limits::kCelTextBytesMax) {
    errors->push_back(
        {0,
         "the expression is longer than " + std::to_string(limits::kCelTextBytesMax) + " bytes",
         {}});
    return nullptr;
  }
  if (!IsUtf8(text)) {
    errors->push_back({0, "the text is not valid UTF-8", {}});
    return nullptr;
  }
  return Parser(text, literals, errors).Run();
}

}  // namespace huitou::cel
