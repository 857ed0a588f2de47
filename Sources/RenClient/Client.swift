import RenAPI
