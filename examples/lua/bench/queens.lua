-- All ways to place n queens, with a closure for each row and methods: calls and upvalues.
local n = tonumber(arg[1]) or 6

local Board = {}
Board.__index = Board
function Board.new(size) return setmetatable({ size = size, columns = {}, up = {}, down = {} }, Board) end
function Board:is_free(row, column)
    return not (self.columns[column] or self.up[row + column] or self.down[row - column + self.size])
end
function Board:set(row, column, value)
    self.columns[column], self.up[row + column], self.down[row - column + self.size] = value, value, value
end

local found, last = 0, nil
local function rows(board, row, path)
    return function()
        if row > board.size then
            found, last = found + 1, path
            return
        end
        for column = 1, board.size do
            if board:is_free(row, column) then
                board:set(row, column, true)
                rows(board, row + 1, path .. string.char(96 + column))()
                board:set(row, column, false)
            end
        end
    end
end
rows(Board.new(n), 1, "")()
print(found, last)
