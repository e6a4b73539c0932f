-- Checks Lua files: nvim --clean -l tools/check_lua.lua FOLDER...
-- Syntax, globals that nobody defines (a misspelt name is one), line length, tabs and spaces at the end of a line.
local KNOWN_GLOBALS = {}
for name in ('_G assert debug error getmetatable io ipairs jit loadfile math next os pairs pcall print require select'
  .. ' setmetatable string table tonumber tostring type unpack vim xpcall arg bit loadstring'):gmatch('%S+') do
  KNOWN_GLOBALS[name] = true
end
local LONGEST_LINE = 120

local bytecode = require('jit.util')

-- The numbers of the two instructions that read and write a global are asked of the compiler itself.
local function instruction_of(source, place)
  return bit.band(bytecode.funcbc(assert(loadstring(source)), place), 0xff)
end
local READ, WRITE = instruction_of('return probe', 1), instruction_of('probe = 1', 2)

--- Calls `report(line, name, is_written)` for every global that a function, or one inside it, reads or writes.
local function each_global(prototype, report)
  local place = 1
  while true do
    local instruction = bytecode.funcbc(prototype, place)
    if not instruction then
      break
    end
    local operation = bit.band(instruction, 0xff)
    if operation == READ or operation == WRITE then
      local name = bytecode.funck(prototype, -bit.rshift(instruction, 16) - 1)
      report(bytecode.funcinfo(prototype, place).currentline, name, operation == WRITE)
    end
    place = place + 1
  end
  -- Functions inside are constants of the one around them, numbered downwards from -1.
  local constant = -1
  while true do
    local value = bytecode.funck(prototype, constant)
    if value == nil then
      break
    end
    if type(value) == 'proto' then
      each_global(value, report)
    end
    constant = constant - 1
  end
end

local complaints = 0
local function complain(path, line, text)
  complaints = complaints + 1
  io.stderr:write(('%s:%d: %s\n'):format(path, line, text))
end

local function check(path)
  local chunk, message = loadfile(path)
  if not chunk then
    return complain(path, tonumber(message:match(':(%d+):')) or 1, message)
  end
  each_global(chunk, function(line, name, is_written)
    if is_written or not KNOWN_GLOBALS[name] then
      complain(path, line, ('the global `%s` is %s'):format(name, is_written and 'written' or 'not known'))
    end
  end)
  local number = 0
  for line in io.lines(path) do
    number = number + 1
    if #line > LONGEST_LINE then
      complain(path, number, ('longer than %d characters'):format(LONGEST_LINE))
    end
    if line:find('\t', 1, true) or line:find('%s$') then
      complain(path, number, 'a tab, or spaces at the end')
    end
  end
end

local count = 0
for _, folder in ipairs(arg) do
  for _, path in ipairs(vim.fs.find(function(name)
    return name:match('%.lua$') ~= nil
  end, { path = folder, type = 'file', limit = math.huge })) do
    count = count + 1
    check(path)
  end
end
if count == 0 then
  io.stderr:write('No Lua file was found below: ' .. table.concat(arg, ' ') .. '\n')
end
io.stdout:write(('%d Lua files, %d complaints\n'):format(count, complaints))
os.exit(complaints == 0 and count > 0 and 0 or 1)
